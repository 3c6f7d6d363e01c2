import type { Control } from './control.js';

/**
 * The browser's codecs (WebCodecs) tell what they have made by callbacks, in real time: the clock waits until they
 * have done what they can with what they were given. A decoder keeps pictures back until more comes or it is
 * flushed, and does not tell that it has no more to give. Where that is not plain from the numbers, another
 * codec is given the same and flushed: when that one is through, so is the first, which began earlier.
 */
export function installCodecs(control: Control): void {
  interface Kind {
    name: 'AudioDecoder' | 'AudioEncoder' | 'VideoDecoder' | 'VideoEncoder';
    feed: 'decode' | 'encode';
    queue: 'decodeQueueSize' | 'encodeQueueSize';
    /** One comes out for each that goes in, sooner or later. */
    evenly: boolean;
  }
  const KINDS: Kind[] = [
    { name: 'AudioDecoder', feed: 'decode', queue: 'decodeQueueSize', evenly: true },
    { name: 'VideoDecoder', feed: 'decode', queue: 'decodeQueueSize', evenly: true },
    { name: 'AudioEncoder', feed: 'encode', queue: 'encodeQueueSize', evenly: false },
    { name: 'VideoEncoder', feed: 'encode', queue: 'encodeQueueSize', evenly: true },
  ];
  /** So long the next output may take before it is asked what is to come, in milliseconds: that takes a decoder. */
  const SOON_MS = 20;

  interface Codec extends EventTarget {
    readonly state: CodecState;
    readonly decodeQueueSize: number;
    readonly encodeQueueSize: number;
    configure(config: unknown): void;
    decode(input: unknown): void;
    encode(input: unknown, options?: unknown): void;
    flush(): Promise<void>;
    reset(): void;
    close(): void;
  }
  interface Output {
    close?: () => void;
  }
  interface Init {
    output: (output: Output, metadata?: unknown) => void;
    error: (error: DOMException) => void;
  }
  interface Input {
    type?: string;
    clone?: () => Input;
    close?: () => void;
  }
  type CodecClass = (new (init: Init) => Codec) & { prototype: Codec };

  interface Work {
    config: unknown;
    /** What another codec needs to make the same: of a decoder all since the last key, of an encoder what is new. */
    inputs: [input: Input, options: unknown][];
    fed: number;
    made: number;
    /** How many a decoder is known to keep back when it has done all that it can. */
    keeps: number | undefined;
    flushing: number;
    waited: boolean;
    wake: () => void;
  }
  const works = new WeakMap<Codec, Work>();
  const classes = globalThis as unknown as Record<string, CodecClass | undefined>;

  function workOf(codec: Codec): Work {
    let work = works.get(codec);
    if (!work) {
      work = {
        config: undefined,
        inputs: [],
        fed: 0,
        made: 0,
        keeps: undefined,
        flushing: 0,
        waited: false,
        wake: () => {},
      };
      works.set(codec, work);
    }
    return work;
  }

  function forget(work: Work): void {
    for (const [input] of work.inputs.splice(0)) if (input.clone) input.close?.();
    work.fed = work.made = 0;
    work.wake();
  }

  control.whenComplete(() => KINDS.forEach(install));

  function install({ name, feed, queue, evenly }: Kind): void {
    const Real = classes[name];
    if (!Real) return;
    const { prototype } = Real;
    const isDecoder = feed === 'decode';
    const real = { configure: prototype.configure, feed: prototype[feed], flush: prototype.flush };
    const { reset, close } = prototype;

    const Virtual = new Proxy(Real, {
      construct(target, args: [Init | undefined], newTarget) {
        const [init] = args;
        if (typeof init?.output !== 'function' || typeof init.error !== 'function') {
          return Reflect.construct(target, args, newTarget) as Codec;
        }
        const output: Init['output'] = (...made) => {
          const work = workOf(codec);
          work.made++;
          work.wake();
          init.output(...made);
        };
        const error: Init['error'] = (reason) => {
          forget(workOf(codec));
          init.error(reason);
        };
        const codec = Reflect.construct(target, [{ output, error }], newTarget) as Codec;
        return codec;
      },
    });
    Object.defineProperty(prototype, 'constructor', { value: Virtual, writable: true, configurable: true });
    Object.defineProperty(globalThis, name, { value: Virtual, writable: true, configurable: true });

    prototype.configure = function (config) {
      real.configure.call(this, config);
      const work = workOf(this);
      work.config = config;
      work.keeps = undefined;
    };
    prototype[feed] = function (this: Codec, input: Input, options?: unknown) {
      const kept = isDecoder ? input : input?.clone?.();
      try {
        real.feed.call(this, input, options);
      } catch (error) {
        if (!isDecoder) kept?.close?.();
        throw error;
      }
      const work = workOf(this);
      if (isDecoder && input.type === 'key') work.inputs = [];
      work.inputs.push([kept!, options]);
      work.fed++;
      if (work.waited) return;
      work.waited = true;
      control.hold(
        untilDone(this, work).finally(() => {
          work.waited = false;
          if (!isDecoder) for (const [each] of work.inputs.splice(0)) each.close?.();
        }),
      );
    };
    // It is waited for by itself, and gives all that was kept back.
    prototype.flush = async function () {
      const work = workOf(this);
      work.flushing++;
      work.wake();
      const { fed } = work;
      try {
        await real.flush.call(this);
        // What was fed since then is still to come.
        work.fed -= fed;
        work.made = Math.max(0, Math.min(work.fed, work.made - fed));
        work.keeps = undefined;
      } finally {
        work.flushing--;
      }
    };
    prototype.reset = function () {
      reset.call(this);
      forget(workOf(this));
    };
    prototype.close = function () {
      close.call(this);
      forget(workOf(this));
    };

    async function untilDone(codec: Codec, work: Work): Promise<void> {
      while (codec.state === 'configured' && work.flushing === 0) {
        const changed = new Promise<void>((resolve) => {
          work.wake = resolve;
          codec.addEventListener('dequeue', () => resolve(), { once: true });
        });
        const kept = work.fed - work.made;
        if (codec[queue] > 0) await changed;
        else if (evenly && (kept <= 0 || kept === work.keeps)) return;
        else if (await comesFirst(changed, control.realDelay(SOON_MS))) continue;
        else if (!(await comesFirst(changed, tryOut(work)))) {
          if (work.made > 0) work.keeps = kept;
          return;
        }
      }
    }

    /** Has another codec do the same to the end. */
    async function tryOut({ config, inputs }: Work): Promise<void> {
      try {
        const other = new Real!({ output: (output) => output.close?.(), error: () => {} });
        real.configure.call(other, config);
        for (const [input, options] of inputs) real.feed.call(other, input, options);
        await real.flush.call(other);
        close.call(other);
      } catch {
        // What it cannot do, the first one could not either.
      }
      // What the first one has made by now may still be on its way here.
      await control.inTask(() => {});
      await control.inTask(() => {});
    }
  }

  /** Whether a promise resolves before another one does. */
  async function comesFirst(promise: Promise<unknown>, other: Promise<unknown>): Promise<boolean> {
    return Promise.race([promise.then(() => true), other.then(() => false)]);
  }
}
