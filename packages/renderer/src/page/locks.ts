import type { Control } from './control.js';

/**
 * Locks are granted in real time, by another process. The page gets a free lock at the request's place in the queue of
 * results, and one that had to be released first at the place of that release. Must be installed after the queue, and
 * before the part that tracks promises: the queries made here are not the page's.
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
    /** Locks that were granted after a release, and that the page has yet to get. */
    const granted: (() => void)[] = [];
    /** The requests of this context that have not been released, in order. */
    const requests = new Set<{ name: string; isShared: boolean }>();
    /** How many releases the browser has yet to handle. */
    let pendingReleases = 0;

    /** Resolves when the browser has handled all earlier requests and releases: it answers in order. */
    const untilHandled = (manager: LockManager) => {
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
      const own = { name: String(args[0]), isShared: options?.mode === 'shared' };
      const waitsFor = (other: typeof own) => other.name === own.name && !(other.isShared && own.isShared);
      const mayWait = !options?.ifAvailable && !options?.steal;
      // It may also wait for another context, which shows later.
      let isWaiting = mayWait && [...requests].some(waitsFor);
      const give = isWaiting ? () => {} : control.takePlace();
      let isGranted = false;
      requests.add(own);

      const onGrant: Callback = (lock) => {
        isGranted = true;
        const turn = new Promise<void>((resolve) => {
          if (!isWaiting) give(resolve);
          else if (pendingReleases > 0) granted.push(resolve);
          else control.takePlace()(resolve);
        });
        return turn.then(() => callback(lock));
      };
      const result = request.call(this, ...args.slice(0, -1), onGrant);
      void untilHandled(this).then(() => {
        if (isGranted) return;
        isWaiting = true;
        give(() => {});
      });

      const onRelease = () => {
        requests.delete(own);
        pendingReleases++;
        const giveNext = control.takePlace();
        void untilHandled(this).then(() => {
          pendingReleases--;
          // The lock may have gone to another context.
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
