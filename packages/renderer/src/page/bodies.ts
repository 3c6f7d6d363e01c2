import type { Control } from './control.js';

/** The bodies of responses and requests, and the data of `ImageDecoder`: streams that the browser itself reads. */
export function installBodies(control: Control): void {
  const streams = control.streams!;
  type Methods = Record<string, ((...args: unknown[]) => unknown) | undefined>;
  /** Responses and requests whose body is a stream that the page feeds. */
  const fedByPage = new WeakSet<object>();
  control.isFed = (body) => fedByPage.has(body);
  const RealResponse = Response;
  const BODIES = ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'];
  const readResponse = Object.getOwnPropertyDescriptors(Response.prototype) as Record<string, PropertyDescriptor>;
  globalThis.Response = new Proxy(Response, {
    construct(target, args: ConstructorParameters<typeof Response>, newTarget) {
      const response = Reflect.construct(target, args, newTarget) as Response;
      if (streams.isFed(args[0])) fedByPage.add(response);
      return response;
    },
  });
  globalThis.Request = new Proxy(Request, {
    construct(target, args: ConstructorParameters<typeof Request>, newTarget) {
      const request = Reflect.construct(target, args, newTarget) as Request;
      if (streams.isFed(args[1]?.body) || (args[0] instanceof Object && fedByPage.has(args[0]))) fedByPage.add(request);
      return request;
    },
  });

  for (const Real of [Response, Request]) {
    const { prototype } = Real;
    Object.defineProperty(prototype, 'constructor', { value: Real, writable: true, configurable: true });
    const clone = prototype.clone as (this: object) => object;
    Object.assign(prototype, {
      clone(this: object) {
        const copy = clone.call(this);
        if (fedByPage.has(this)) fedByPage.add(copy);
        return copy;
      },
    });
    const body = Object.getOwnPropertyDescriptor(prototype, 'body')!;
    const readBody = body.get as (this: Response | Request) => ReadableStream | null;
    Object.defineProperty(prototype, 'body', {
      ...body,
      get(this: Response | Request) {
        const stream = readBody.call(this);
        if (stream && !fedByPage.has(this)) {
          const { headers } = this;
          const isEndless = /^text\/event-stream/i.test(headers.get('content-type') ?? '');
          streams.registerSource(stream, { hasUnknownLength: !headers.has('content-length'), isEndless });
        }
        return stream;
      },
    });
    for (const name of BODIES) {
      const methods = prototype as unknown as Methods;
      const real = methods[name];
      if (!real) continue;
      methods[name] = function (this: Response | Request, ...args: unknown[]) {
        if (!fedByPage.has(this) || this.bodyUsed || !this.body || this.body.locked) {
          return control.track(real.apply(this, args) as Promise<unknown>);
        }
        // The page feeds the body whenever it likes. Once all is fed, the clock waits for what the browser makes of it.
        let end = () => {};
        const ended = new Promise<void>((resolve) => (end = resolve));
        const copy = new RealResponse(streams.relay(this.body, end).stream, { headers: this.headers });
        fedByPage.add(copy);
        const result = (readResponse[name]!.value as (this: Response) => Promise<unknown>).call(copy);
        void ended.then(() => control.hold(result));
        return result;
      };
    }
  }

  // Images are decoded while their data arrives.
  control.whenComplete(() => {
    const RealDecoder = globalThis.ImageDecoder as typeof ImageDecoder | undefined;
    if (!RealDecoder) return;
    /** For decoders fed by the page: resolves once the page has delivered the whole file. */
    const fullyFed = new WeakMap<object, Promise<void>>();
    const trackDecoder = (decoder: object, promise: Promise<unknown>) => {
      const all = fullyFed.get(decoder);
      if (all) void all.then(() => control.hold(promise));
      else control.hold(promise);
      return promise;
    };
    globalThis.ImageDecoder = new Proxy(RealDecoder, {
      construct(target, [init, ...rest]: [ImageDecoderInit], newTarget) {
        const data = init?.data;
        if (!(data instanceof ReadableStream) || data.locked)
          return Reflect.construct(target, [init, ...rest], newTarget) as object;
        let end = () => {};
        const all = !streams.isFed(data) ? undefined : new Promise<void>((resolve) => (end = resolve));
        const relayed = { ...init, data: streams.relay(data, end).stream };
        const decoder = Reflect.construct(target, [relayed, ...rest], newTarget) as ImageDecoder;
        if (all) {
          fullyFed.set(decoder, all);
          fullyFed.set(decoder.tracks, all);
        }
        return decoder;
      },
    });
    const { prototype } = RealDecoder;
    Object.defineProperty(prototype, 'constructor', {
      value: globalThis.ImageDecoder,
      writable: true,
      configurable: true,
    });
    const decode = prototype.decode;
    prototype.decode = function (...args) {
      return trackDecoder(this, decode.apply(this, args)) as ReturnType<typeof decode>;
    };
    for (const [owner, name] of [
      [prototype, 'completed'],
      [ImageTrackList.prototype, 'ready'],
    ] as const) {
      const real = Object.getOwnPropertyDescriptor(owner, name)!;
      Object.defineProperty(owner, name, {
        ...real,
        get(this: object) {
          return trackDecoder(this, real.get!.call(this) as Promise<unknown>);
        },
      });
    }
  });
}
