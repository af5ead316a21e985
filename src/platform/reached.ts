/** Asks an object; one that is just being moved or restarted is asked once more. What is asked must be repeatable. */
export async function reachedOr<T>(
  ask: () => PromiseLike<unknown>,
  unavailable: (cause: unknown) => Error,
): Promise<T> {
  try {
    return (await ask()) as T;
  } catch {
    try {
      return (await ask()) as T;
    } catch (cause) {
      throw unavailable(cause);
    }
  }
}
