import type { Control } from './control.js';

/** What the page keeps in the browser: data bases and files. Ways that no single promise tells of. */
export function installStoredData(control: Control): void {
  const globals = globalThis as unknown as Record<string, { prototype: object } | undefined>;

  /** Does something with what the methods of a class return. */
  function after(
    owner: object | undefined,
    names: readonly string[],
    run: (result: unknown, self: unknown, args: unknown[]) => unknown,
  ): void {
    const methods = (owner ?? {}) as Record<string, ((...args: unknown[]) => unknown) | undefined>;
    for (const name of names) {
      const real = methods[name];
      if (typeof real !== 'function' || !Object.hasOwn(methods, name)) continue;
      methods[name] = function (this: unknown, ...args: unknown[]) {
        const result = real.apply(this, args);
        return run(result, this, args) ?? result;
      };
    }
  }

  /** So many requests of data bases in one part of a moment come before everything else. */
  const MOST_REQUESTS = 10_000;
  let moment = '';
  let requests = 0;

  installDatabases();
  control.whenComplete(installFolders);

  /**
   * A data base tells of the end of a request while the transaction is open, so that this cannot be held back: it comes
   * before whatever can. A page may ask it again and again for something that others have to do first.
   */
  function holdData(target: EventTarget, ...types: string[]): void {
    const told = control.trackEvents(target, ...types);
    if (moment !== control.partOfMoment()) [moment, requests] = [control.partOfMoment(), 0];
    if (requests++ < MOST_REQUESTS) control.comeFirst(told);
    else control.letEnd(told);
  }

  /**
   * Holds back the last that an object tells until it has its turn. Only for what comes when no transaction is active.
   * Where it is blocked, it is the page that may have to do something for it.
   */
  function tellInTurn(target: EventTarget, types: string[]): void {
    const give = control.takePlace();
    let end = () => {};
    control.hold(new Promise<void>((resolve) => (end = resolve)));
    let isBlocked = false;
    const block = () => {
      isBlocked = true;
      end();
      give(() => {});
    };
    target.addEventListener('blocked', block, { once: true });
    for (const type of types) {
      target.addEventListener(type, function hear(event) {
        if (!event.isTrusted || isBlocked) return;
        event.stopImmediatePropagation();
        target.removeEventListener(type, hear);
        give(() => {
          target.dispatchEvent(new Event(type, { bubbles: event.bubbles, cancelable: event.cancelable }));
          end();
        });
      });
    }
  }

  /** Every request is an object that tells its end; so does every transaction, when no request is left of it. */
  function installDatabases(): void {
    const databases = (globals['IDBFactory']?.prototype as IDBFactory | undefined)?.databases;
    let blocked = 0;
    const hold = (result: unknown) => {
      if (result instanceof IDBTransaction) {
        holdData(result, 'complete', 'abort');
        tellInTurn(result, ['complete', 'abort']);
      }
      if (!(result instanceof IDBRequest)) return;
      holdData(result, 'success', 'error', 'blocked');
      // It goes on when other connections are closed, which may be the page's to do.
      if (!(result instanceof IDBOpenDBRequest)) return;
      result.addEventListener('blocked', () => blocked++, { once: true });
      tellInTurn(result, ['success', 'error']);
    };
    for (const className of ['IDBFactory', 'IDBDatabase', 'IDBObjectStore', 'IDBIndex', 'IDBCursor']) {
      const { prototype } = globals[className] ?? {};
      const methods = Object.entries(Object.getOwnPropertyDescriptors(prototype ?? {}));
      const names = methods.flatMap(([name, { value }]) =>
        typeof value === 'function' && name !== 'constructor' && name !== 'databases' ? [name] : [],
      );
      after(prototype, names, hold);
    }
    // These have their request succeed once more.
    after(globals['IDBCursor']?.prototype, ['advance', 'continue', 'continuePrimaryKey'], (_, self) => {
      holdData((self as IDBCursor).request, 'success', 'error');
    });
    // The answer comes after that of a request that waited for this one to be closed.
    after(globals['IDBDatabase']?.prototype, ['close'], () => {
      if (blocked > 0) control.hold(databases!.call(indexedDB));
    });
  }

  /** A folder is listed by iterators of a class of their own. */
  function installFolders(): void {
    const folder = globals['FileSystemDirectoryHandle']?.prototype;
    const known = new WeakSet<object>();
    const watch = (iterator: unknown) => {
      const prototype = Object.getPrototypeOf(iterator) as Record<string, (...args: unknown[]) => Promise<unknown>>;
      if (known.has(prototype)) return;
      known.add(prototype);
      for (const name of ['next', 'return']) {
        const real = prototype[name];
        if (!real) continue;
        prototype[name] = function (...args) {
          return control.track(control.inLine(real.apply(this, args)));
        };
      }
    };
    after(folder, ['entries', 'keys', 'values'], watch);
    const entries = folder && (folder as Record<string, unknown>)['entries'];
    if (entries)
      Object.defineProperty(folder, Symbol.asyncIterator, { value: entries, writable: true, configurable: true });
  }
}
