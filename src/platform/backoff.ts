const MOST_BACKOFF_MS = 60_000;

/** Milliseconds after which an object tries again what broke off: a second, doubling with each failure, up to a minute. */
export const backoffAfter = (failures: number): number =>
  Math.min(MOST_BACKOFF_MS, 1000 * 2 ** Math.min(failures - 1, 10));
