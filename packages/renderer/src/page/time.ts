import type { Control } from './control.js';

/** Makes `Date`, `performance.now()` and related functions read the virtual clock. */
export function installTime(control: Control): void {
  const RealDate = Date;
  const { epoch } = control.config;
  const now = () => epoch + Math.floor(control.now);
  const sinceBirth = () => control.now - control.born;

  // A function, not a class: calling `Date()` without `new` is legal and returns a string.
  const VirtualDate = function (this: unknown, ...args: unknown[]) {
    if (!new.target) return new RealDate(now()).toString();
    const values = args.length === 0 ? [now()] : args;
    return Reflect.construct(RealDate, values, new.target) as Date;
  } as unknown as DateConstructor;
  Object.defineProperty(VirtualDate, 'prototype', { value: RealDate.prototype, writable: false });
  Object.defineProperties(VirtualDate, {
    name: { value: 'Date' },
    length: { value: 7 },
    now: { value: now, writable: true, configurable: true },
    parse: { value: RealDate.parse, writable: true, configurable: true },
    UTC: { value: RealDate.UTC, writable: true, configurable: true },
  });
  Object.defineProperty(RealDate.prototype, 'constructor', {
    value: VirtualDate,
    writable: true,
    configurable: true,
  });
  Object.defineProperty(globalThis, 'Date', { value: VirtualDate, writable: true, configurable: true });

  // Without a date, these format the present moment.
  const { prototype: format } = Intl.DateTimeFormat;
  const realFormat = Object.getOwnPropertyDescriptor(format, 'format')!;
  const formatters = new WeakMap<object, (date?: Date | number) => string>();
  Object.defineProperty(format, 'format', {
    ...realFormat,
    get(this: Intl.DateTimeFormat) {
      let formatter = formatters.get(this);
      if (!formatter) {
        const real = realFormat.get!.call(this) as (date: Date | number) => string;
        formatter = (date) => real(date ?? now());
        formatters.set(this, formatter);
      }
      return formatter;
    },
  });

  const realFormatToParts = format.formatToParts;
  format.formatToParts = function (date) {
    return realFormatToParts.call(this, date ?? now());
  };

  // Temporal, in browsers that have it: derive everything about the present from one instant.
  interface TemporalInstant {
    toZonedDateTimeISO(zone: unknown): Record<string, () => unknown>;
  }
  const temporal = (globalThis as Record<string, unknown>)['Temporal'] as
    | { Now: Record<string, unknown>; Instant: { fromEpochMilliseconds(ms: number): TemporalInstant } }
    | undefined;
  if (temporal) {
    const zone = temporal.Now['timeZoneId'] as () => string;
    const instant = () => temporal.Instant.fromEpochMilliseconds(now());
    const zoned = (given?: unknown) => instant().toZonedDateTimeISO(given ?? zone());
    Object.assign(temporal.Now, {
      instant,
      zonedDateTimeISO: zoned,
      plainDateTimeISO: (given?: unknown) => zoned(given)['toPlainDateTime']!(),
      plainDateISO: (given?: unknown) => zoned(given)['toPlainDate']!(),
      plainTimeISO: (given?: unknown) => zoned(given)['toPlainTime']!(),
    });
  }

  // A file created by a script is dated to the present moment.
  const RealFile = File;
  const VirtualFile = function (...[bits, name, options]: ConstructorParameters<typeof File>) {
    const fileArguments = [bits, name, { lastModified: now(), ...options }];
    return Reflect.construct(RealFile, fileArguments, new.target ?? RealFile) as File;
  } as unknown as typeof File;
  Object.defineProperty(VirtualFile, 'name', { value: 'File' });
  Object.defineProperty(VirtualFile, 'prototype', { value: RealFile.prototype, writable: false });
  Object.defineProperty(globalThis, 'File', { value: VirtualFile, writable: true, configurable: true });

  performance.now = sinceBirth;
  Object.defineProperty(performance, 'timeOrigin', { get: () => epoch + control.born, configurable: true });
  const realMark = performance.mark.bind(performance);
  performance.mark = (name, options) => realMark(name, { startTime: sinceBirth(), ...options });
  const realMeasure = performance.measure.bind(performance);
  performance.measure = (name, start, end) => {
    const options: PerformanceMeasureOptions =
      typeof start === 'object' ? { ...start } : { ...(start === undefined ? {} : { start }) };
    if (end !== undefined) options.end = end;
    const derived = options.start !== undefined && options.duration !== undefined;
    if (options.end === undefined && !derived) options.end = sinceBirth();
    if (options.start === undefined && options.duration === undefined) options.start = 0;
    return realMeasure(name, options);
  };
  Object.defineProperty(Event.prototype, 'timeStamp', { get: sinceBirth, configurable: true });

  /** Makes `toJSON` of an object return the values of its properties, some of which are replaced here. */
  function readThroughProperties(prototype: object): void {
    const toJSON: unknown = Object.getOwnPropertyDescriptor(prototype, 'toJSON')?.value;
    if (typeof toJSON !== 'function') return;
    Object.defineProperty(prototype, 'toJSON', {
      configurable: true,
      enumerable: true,
      writable: true,
      value(this: Record<string, unknown>) {
        const json = Reflect.apply(toJSON, this, []) as Record<string, unknown>;
        for (const key of Object.keys(json)) json[key] = this[key];
        return json;
      },
    });
  }

  // The browser measures real time, during which the virtual clock is stopped: report such durations as 0.
  const global = globalThis as unknown as Record<string, { prototype: object } | undefined>;
  const own = ['PerformanceMark', 'PerformanceMeasure'];
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (!/^(Performance|Largest|LayoutShift|VisibilityState|TaskAttribution)/.test(name) || own.includes(name))
      continue;
    const prototype = global[name]?.prototype;
    if (!prototype) continue;
    readThroughProperties(prototype);
    if (name === 'Performance') continue;
    for (const [property, { get }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (!get || !/(^duration|Time|Start|End|Interactive|Complete)$/.test(property)) continue;
      const isLegacy = name === 'PerformanceTiming';
      Object.defineProperty(prototype, property, {
        configurable: true,
        enumerable: true,
        get(this: PerformanceEntry) {
          const measured = get.call(this) as unknown;
          if (typeof measured !== 'number') return measured;
          if (isLegacy) return measured === 0 ? 0 : epoch + control.born;
          return own.some((kind) => this instanceof (globalThis as never)[kind]) ? measured : 0;
        },
      });
    }
  }
}
