import type { Control } from './control.js';

/**
 * A lock is granted in real time, by another process. The page gets one that nobody holds when it is the request's
 * turn, and one that had to be released first when it is the release's turn. Must come after
 * what makes the line, and before what counts promises as pending: our own questions are not the page's.
 */
export function installLocks(control: Control): void {
  type Callback = (lock: Lock | null) => unknown;
  control.whenComplete(install);

  function install(): void {
    const { LockManager } = globalThis as { LockManager?: { prototype: LockManager } };
    if (!LockManager) return;
    const locks = LockManager.prototype;
    const { query } = locks;
    const request = locks.request as (this: LockManager, ...args: unknown[]) => Promise<unknown>;
    /** Locks that were granted after a wait, and that the page has yet to get. */
    const granted: (() => void)[] = [];
    /** What this context has asked for and not released, in that order. */
    const wanted = new Set<{ name: string; isShared: boolean }>();
    /** How many releases are on their way to the browser. */
    let releases = 0;

    /** The answer comes after everything that the browser does because of what was asked of it before. */
    const untilHeeded = (manager: LockManager) => {
      const answer = query.call(manager).catch(() => {});
      control.hold(answer);
      return answer;
    };

    locks.query = function () {
      return control.inLine(query.call(this));
    };

    locks.request = function (this: LockManager, ...args: unknown[]) {
      const callback = args.at(-1) as Callback;
      if (typeof callback !== 'function') return request.apply(this, args);
      const options = (args.length > 2 ? args[1] : {}) as LockOptions | undefined;
      const want = { name: String(args[0]), isShared: options?.mode === 'shared' };
      const waitsFor = (other: typeof want) => other.name === want.name && !(other.isShared && want.isShared);
      const mayWait = !options?.ifAvailable && !options?.steal;
      /** Somebody has it: this context, or, as will be seen, another one. */
      let isWaiting = mayWait && [...wanted].some(waitsFor);
      const give = isWaiting ? () => {} : control.takePlace();
      let isGranted = false;
      wanted.add(want);

      const onGrant: Callback = (lock) => {
        isGranted = true;
        const turn = new Promise<void>((resolve) => {
          if (!isWaiting) give(resolve);
          else if (releases > 0) granted.push(resolve);
          else control.takePlace()(resolve);
        });
        return turn.then(() => callback(lock));
      };
      const result = request.call(this, ...args.slice(0, -1), onGrant);
      void untilHeeded(this).then(() => {
        if (isGranted) return;
        isWaiting = true;
        give(() => {});
      });

      const onRelease = () => {
        wanted.delete(want);
        releases++;
        const giveNext = control.takePlace();
        void untilHeeded(this).then(() => {
          releases--;
          // The next in line may be in another context.
          control.active = true;
          const next = granted.splice(0);
          giveNext(() => {
            for (const resolve of next) resolve();
          });
        });
      };
      result.then(onRelease, onRelease);
      return result;
    };
  }
}
