import type { Control } from './control.js';

/**
 * An `AudioContext` reports virtual time, and its sources end by it. No sound is produced: the real context is
 * suspended, so analysers deliver silence in every render. An `OfflineAudioContext` really renders, in no virtual time.
 */
export function installAudio(control: Control): void {
  interface Clock {
    state: AudioContextState;
    /** Virtual milliseconds for which the context had run by the virtual time `since`, when its state last changed. */
    ran: number;
    since: number;
    /** Functions that reschedule the end of each source. */
    sources: Set<() => void>;
  }
  /** How far a sum of fractions may exceed the exact time of its frame, in milliseconds. */
  const ROUNDING = 1e-6;
  const clocks = new WeakMap<BaseAudioContext, Clock>();
  const setVirtualTimeout = setTimeout;
  const clearVirtualTimeout = clearTimeout;
  const { suspend, close } = AudioContext.prototype;
  const listen = EventTarget.prototype.addEventListener;

  const ranFor = ({ state, ran, since }: Clock) => ran + (state === 'running' ? control.now - since : 0);

  function dispatch(target: EventTarget, type: string): void {
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
      dispatch(context, 'statechange');
      for (const schedule of clock.sources) schedule();
    }
    return Promise.resolve();
  }

  globalThis.AudioContext = new Proxy(AudioContext, {
    construct(target, args, newTarget) {
      const context = Reflect.construct(target, args, newTarget) as AudioContext;
      clocks.set(context, { state: 'running', ran: 0, since: control.now, sources: new Set() });
      listen.call(context, 'statechange', (event) => event.isTrusted && event.stopImmediatePropagation());
      // Rejected only if the context is not running anyway.
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
  // The page must not see the latency of the machine's audio device.
  replace(AudioContext.prototype, 'baseLatency', () => 0);
  replace(AudioContext.prototype, 'outputLatency', () => 0);

  interface Playing {
    /** When the source ends, in seconds of its context. */
    end: number;
    timer: number | undefined;
    schedule: () => void;
  }
  const playings = new WeakMap<AudioScheduledSourceNode, Playing>();

  /** How long a source plays unless it is stopped, in seconds. */
  function lengthOf(source: AudioScheduledSourceNode, offset = 0, duration = Infinity): number {
    if (!(source instanceof AudioBufferSourceNode)) return Infinity;
    const rate = source.playbackRate.value * 2 ** (source.detune.value / 1200);
    const rest = source.loop ? Infinity : (source.buffer?.duration ?? 0) - offset;
    return rate > 0 ? Math.max(0, Math.min(rest, duration)) / rate : Infinity;
  }

  /** Ends a source at its time, which is never reached while the context is suspended. */
  function scheduleEnd(source: AudioScheduledSourceNode, clock: Clock, span: Playing): void {
    clearVirtualTimeout(span.timer);
    if (clock.state !== 'running' || !Number.isFinite(span.end)) return;
    const end = () => {
      clock.sources.delete(span.schedule);
      playings.delete(source);
      dispatch(source, 'ended');
    };
    span.timer = setVirtualTimeout(end, Math.max(0, span.end * 1000 - ranFor(clock) - ROUNDING));
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
        const playing: Playing = { end, timer: undefined, schedule: () => scheduleEnd(this, clock, playing) };
        playings.set(this, playing);
        clock.sources.add(playing.schedule);
        listen.call(this, 'ended', (event) => event.isTrusted && event.stopImmediatePropagation());
        playing.schedule();
      };
    }
    if (Object.hasOwn(prototype, 'stop')) {
      const stop = prototype.stop;
      prototype.stop = function (when = 0) {
        stop.call(this, when);
        const span = playings.get(this);
        if (!span) return;
        span.end = Math.min(span.end, Math.max(when, this.context.currentTime));
        span.schedule();
      };
    }
  }

  /** Makes the clock wait for a method that takes real time. */
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
