import type { Control } from './control.js';

/**
 * An `AudioContext` tells virtual time, and its sources end by it. Nothing is heard: the real context
 * is suspended, so that what analysers give is silence in every render. An `OfflineAudioContext`
 * renders for real, in no virtual time.
 */
export function installAudio(control: Control): void {
  interface Clock {
    state: AudioContextState;
    /** Virtual milliseconds that it has run until `since`, and since when it runs. */
    ran: number;
    since: number;
    /** Sets the timers of its sources anew. */
    sources: Set<() => void>;
  }
  /** Sums of fractions may come out a trifle past the frame that they mean, in milliseconds. */
  const ROUNDING = 1e-6;
  const clocks = new WeakMap<BaseAudioContext, Clock>();
  const later = setTimeout;
  const forget = clearTimeout;
  const { suspend, close } = AudioContext.prototype;
  const listen = EventTarget.prototype.addEventListener;

  const ranFor = ({ state, ran, since }: Clock) => ran + (state === 'running' ? control.now - since : 0);

  function tell(target: EventTarget, type: string): void {
    void control.track(control.inTask(() => target.dispatchEvent(new Event(type))));
  }

  function change(context: AudioContext, state: AudioContextState): Promise<void> {
    const clock = clocks.get(context)!;
    if (clock.state === 'closed') {
      const message = 'Cannot change the state of a closed AudioContext.';
      return Promise.reject(new DOMException(message, 'InvalidStateError'));
    }
    if (clock.state !== state) {
      clock.ran = ranFor(clock);
      clock.since = control.now;
      clock.state = state;
      tell(context, 'statechange');
      for (const schedule of clock.sources) schedule();
    }
    return Promise.resolve();
  }

  globalThis.AudioContext = new Proxy(AudioContext, {
    construct(target, args, newTarget) {
      const context = Reflect.construct(target, args, newTarget) as AudioContext;
      clocks.set(context, { state: 'running', ran: 0, since: control.now, sources: new Set() });
      listen.call(context, 'statechange', (event) => event.isTrusted && event.stopImmediatePropagation());
      // It is refused only where the context does not run.
      suspend.call(context).catch(() => {});
      return context;
    },
  });

  AudioContext.prototype.resume = function () {
    return change(this, 'running');
  };
  AudioContext.prototype.suspend = function () {
    return change(this, 'suspended');
  };
  AudioContext.prototype.close = function () {
    const changed = change(this, 'closed');
    return changed.then(() => close.call(this));
  };
  AudioContext.prototype.getOutputTimestamp = function () {
    return { contextTime: this.currentTime, performanceTime: control.now };
  };

  /** Replaces a property of contexts that have a virtual clock. */
  function replace(owner: object, name: string, get: (clock: Clock, context: BaseAudioContext) => unknown): void {
    const real = Object.getOwnPropertyDescriptor(owner, name)!;
    Object.defineProperty(owner, name, {
      ...real,
      get(this: BaseAudioContext): unknown {
        const clock = clocks.get(this);
        return clock ? get(clock, this) : real.get!.call(this);
      },
    });
  }
  replace(BaseAudioContext.prototype, 'currentTime', (clock) => ranFor(clock) / 1000);
  replace(BaseAudioContext.prototype, 'state', ({ state }) => state);
  // What the machine's audio device makes of it is not to be seen.
  replace(AudioContext.prototype, 'baseLatency', () => 0);
  replace(AudioContext.prototype, 'outputLatency', () => 0);

  interface Span {
    /** When a source ends, in seconds of its context. */
    end: number;
    timer: number | undefined;
    schedule: () => void;
  }
  const spans = new WeakMap<AudioScheduledSourceNode, Span>();

  /** How long a source plays by itself, in seconds. */
  function lengthOf(source: AudioScheduledSourceNode, offset = 0, duration = Infinity): number {
    if (!(source instanceof AudioBufferSourceNode)) return Infinity;
    const rate = source.playbackRate.value * 2 ** (source.detune.value / 1200);
    const rest = source.loop ? Infinity : (source.buffer?.duration ?? 0) - offset;
    return rate > 0 ? Math.max(0, Math.min(rest, duration)) / rate : Infinity;
  }

  /** Ends a source at its time, which does not come while the context is suspended. */
  function scheduleEnd(source: AudioScheduledSourceNode, clock: Clock, span: Span): void {
    forget(span.timer);
    if (clock.state !== 'running' || !Number.isFinite(span.end)) return;
    const end = () => {
      clock.sources.delete(span.schedule);
      spans.delete(source);
      tell(source, 'ended');
    };
    span.timer = later(end, Math.max(0, span.end * 1000 - ranFor(clock) - ROUNDING));
  }

  type Method = (this: AudioScheduledSourceNode, ...args: (number | undefined)[]) => void;
  for (const kind of [AudioScheduledSourceNode, AudioBufferSourceNode]) {
    const prototype = kind.prototype as unknown as Record<'start' | 'stop', Method>;
    if (Object.hasOwn(prototype, 'start')) {
      const start = prototype.start;
      prototype.start = function (when = 0, offset, duration) {
        const args = [when, offset, duration].filter((value) => value !== undefined);
        start.apply(this, args);
        const clock = clocks.get(this.context);
        if (!clock) return;
        const begin = Math.max(when, this.context.currentTime);
        const end = begin + lengthOf(this, offset, duration);
        const span: Span = { end, timer: undefined, schedule: () => scheduleEnd(this, clock, span) };
        spans.set(this, span);
        clock.sources.add(span.schedule);
        listen.call(this, 'ended', (event) => event.isTrusted && event.stopImmediatePropagation());
        span.schedule();
      };
    }
    if (Object.hasOwn(prototype, 'stop')) {
      const stop = prototype.stop;
      prototype.stop = function (when = 0) {
        stop.call(this, when);
        const span = spans.get(this);
        if (!span) return;
        span.end = Math.min(span.end, Math.max(when, this.context.currentTime));
        span.schedule();
      };
    }
  }

  /** What takes real time takes no virtual time. */
  function track(owner: object, name: string): void {
    const methods = owner as Record<string, (...args: unknown[]) => Promise<unknown>>;
    const real = methods[name]!;
    methods[name] = function (this: unknown, ...args: unknown[]) {
      return control.track(real.apply(this, args));
    };
  }
  track(BaseAudioContext.prototype, 'decodeAudioData');
  track(OfflineAudioContext.prototype, 'startRendering');
  if (typeof AudioWorklet === 'function') track(AudioWorklet.prototype, 'addModule');
}
