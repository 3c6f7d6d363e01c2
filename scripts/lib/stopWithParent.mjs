const INTERVAL_MS = 250;

/**
 * Ends this process as SIGTERM does when its parent is gone. npm passes SIGTERM on to the shell
 * that it runs a script in; the shell dies of it and leaves the script running.
 */
export function stopWithParent() {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, INTERVAL_MS);
  timer.unref();
}
