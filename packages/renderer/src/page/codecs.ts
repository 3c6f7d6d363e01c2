import type { Control } from './control.js';

/**
 * The browser's codecs (WebCodecs) deliver their output through callbacks, in real time. The clock waits until they
 * have done all they can with their input. A decoder retains frames until it gets more input or is flushed, and does
 * not say when it has nothing more to deliver. If the numbers of inputs and outputs do not settle that, a second codec
 * gets the same input and is flushed: when this probe has finished, so has the first codec, which started earlier.
 */
export function installCodecs(control: Control): void {
  interface Kind {
    name: 'AudioDecoder' | 'AudioEncoder' | 'VideoDecoder' | 'VideoEncoder';
    feed: 'decode' | 'encode';
    queue: 'decodeQueueSize' | 'encodeQueueSize';
    /** Each input yields exactly one output, sooner or later. */
    isOneToOne: boolean;
  }
  const KINDS: Kind[] = [
    { name: 'AudioDecoder', feed: 'decode', queue: 'decodeQueueSize', isOneToOne: true },
    { name: 'VideoDecoder', feed: 'decode', queue: 'decodeQueueSize', isOneToOne: true },
    { name: 'AudioEncoder', feed: 'encode', queue: 'encodeQueueSize', isOneToOne: false },
    { name: 'VideoEncoder', feed: 'encode', queue: 'encodeQueueSize', isOneToOne: true },
  ];
  /** How long to wait for the next output before starting a probe, which takes a codec of its own, in milliseconds. */
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
    /**
     * What a probe needs to produce the same: for a decoder all input since the last key frame, for an encoder the new.
     */
    inputs: [input: Input, options: unknown][];
    inputsFed: number;
    outputs: number;
    /** How many frames a decoder is known to retain when it has done all it can. */
    retained: number | undefined;
    flushing: number;
    isTracked: boolean;
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
        inputsFed: 0,
        outputs: 0,
        retained: undefined,
        flushing: 0,
        isTracked: false,
        wake: () => {},
      };
      works.set(codec, work);
    }
    return work;
  }

  function discard(work: Work): void {
    for (const [input] of work.inputs.splice(0)) if (input.clone) input.close?.();
    work.inputsFed = work.outputs = 0;
    work.wake();
  }

  control.whenComplete(() => KINDS.forEach(install));

  function install({ name, feed, queue, isOneToOne }: Kind): void {
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
          work.outputs++;
          work.wake();
          init.output(...made);
        };
        const error: Init['error'] = (reason) => {
          discard(workOf(codec));
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
      work.retained = undefined;
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
      work.inputsFed++;
      if (work.isTracked) return;
      work.isTracked = true;
      control.hold(
        untilDone(this, work).finally(() => {
          work.isTracked = false;
          if (!isDecoder) for (const [each] of work.inputs.splice(0)) each.close?.();
        }),
      );
    };
    // `pendingWork` makes the clock wait for a flush, which delivers everything retained.
    prototype.flush = async function () {
      const work = workOf(this);
      work.flushing++;
      work.wake();
      const { inputsFed } = work;
      try {
        await real.flush.call(this);
        // Outputs of later inputs are yet to come.
        work.inputsFed -= inputsFed;
        work.outputs = Math.max(0, Math.min(work.inputsFed, work.outputs - inputsFed));
        work.retained = undefined;
      } finally {
        work.flushing--;
      }
    };
    prototype.reset = function () {
      reset.call(this);
      discard(workOf(this));
    };
    prototype.close = function () {
      close.call(this);
      discard(workOf(this));
    };

    async function untilDone(codec: Codec, work: Work): Promise<void> {
      while (codec.state === 'configured' && work.flushing === 0) {
        const changed = new Promise<void>((resolve) => {
          work.wake = resolve;
          codec.addEventListener('dequeue', () => resolve(), { once: true });
        });
        const kept = work.inputsFed - work.outputs;
        if (codec[queue] > 0) await changed;
        else if (isOneToOne && (kept <= 0 || kept === work.retained)) return;
        else if (await settlesFirst(changed, control.realDelay(SOON_MS))) continue;
        else if (!(await settlesFirst(changed, runProbe(work)))) {
          if (work.outputs > 0) work.retained = kept;
          return;
        }
      }
    }

    /** Has a second codec do the same work and flush. */
    async function runProbe({ config, inputs }: Work): Promise<void> {
      try {
        const other = new Real!({ output: (output) => output.close?.(), error: () => {} });
        real.configure.call(other, config);
        for (const [input, options] of inputs) real.feed.call(other, input, options);
        await real.flush.call(other);
        close.call(other);
      } catch {
        // If the probe fails, so does the first codec.
      }
      // Outputs of the first codec may still be queued as tasks.
      await control.inTask(() => {});
      await control.inTask(() => {});
    }
  }

  /** Whether a promise resolves before another one does. */
  async function settlesFirst(promise: Promise<unknown>, other: Promise<unknown>): Promise<boolean> {
    return Promise.race([promise.then(() => true), other.then(() => false)]);
  }
}
