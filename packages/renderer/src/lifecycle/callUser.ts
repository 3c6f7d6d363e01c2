/**
 * Calls a user's function. An error that it throws, or with which its promise rejects, goes to `onFailure`, so that it
 * neither breaks the caller nor ends the whole process.
 */
export function callUser(call: () => unknown, onFailure: (error: unknown) => void): void {
  try {
    const result = call();
    if (typeof result === 'object' && result !== null) void Promise.resolve(result).catch(onFailure);
  } catch (error) {
    onFailure(error);
  }
}
