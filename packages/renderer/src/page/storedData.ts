import type { Control } from './control.js';

/** Databases and folders: storage interfaces whose work does not end with a single promise. */
export function installStoredData(control: Control): void {
  const globals = globalThis as unknown as Record<string, { prototype: object } | undefined>;

  /** Runs a function with each result of a class's methods. What it returns, if anything, replaces the result. */
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

  /** How many requests of databases in one part of a moment come before everything else. */
  const MAX_FIRST = 10_000;
  let partOfMoment = '';
  let requests = 0;

  installDatabases();
  control.whenComplete(installFolders);

  /**
   * Waits for work of a database, which ends by itself. Its events fire within an open transaction, so they cannot be
   * delayed; everything that can be delayed comes after them. Not without limit: a page may query a database again and
   * again until something else has happened.
   */
  function holdData(target: EventTarget, ...types: string[]): void {
    const ended = control.trackEvents(target, ...types);
    if (partOfMoment !== control.partOfMoment()) requests = 0;
    partOfMoment = control.partOfMoment();
    requests++;
    if (requests <= MAX_FIRST) control.comeFirst(ended);
    else control.letEnd(ended);
  }

  /**
   * Delays the final event of an object until it is its turn. Only for events that fire while no transaction is active.
   * A blocked request gives up its turn, since the page may have to unblock it.
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

  /** Every request fires an event at its end, and so does every transaction when it has no requests left. */
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
      // An open request may be blocked until other connections are closed, possibly by the page.
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
    // These make the request of the cursor succeed once more.
    after(globals['IDBCursor']?.prototype, ['advance', 'continue', 'continuePrimaryKey'], (_, self) => {
      holdData((self as IDBCursor).request, 'success', 'error');
    });
    // This query is answered after the request that was waiting for the connection to close.
    after(globals['IDBDatabase']?.prototype, ['close'], () => {
      if (blocked > 0) control.hold(databases!.call(indexedDB));
    });
  }

  /** Folders are listed through iterators, which have a class of their own. */
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
