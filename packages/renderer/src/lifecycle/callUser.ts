/**
 * Calls what a user has given. What it throws, and what a promise that it returns rejects with, goes to `onFailure`:
 * neither may break the one who calls, nor end the whole process.
 */
export function callUser(call: () => unknown, onFailure: (error: unknown) => void): void {
  try {
    const result = call();
    if (typeof result === 'object' && result !== null) void Promise.resolve(result).catch(onFailure);
  } catch (error) {
    onFailure(error);
  }
}
