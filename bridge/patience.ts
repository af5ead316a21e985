import { setTimeout as pause } from "node:timers/promises";

/** Milliseconds before the next try: doubles up to a bound, and differs by chance, so that not all come back at once. */
export function backoff(failures: number, most = 10_000, first = 100, chance = Math.random()): number {
  const full = Math.min(most, first * 2 ** Math.min(failures - 1, 20));
  return Math.round(full / 2 + (full / 2) * chance);
}

/** Waits; ends at once, and well, when the signal says so. */
export const wait = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  pause(milliseconds, undefined, { signal }).catch(() => undefined);

/** Does something until it succeeds. Answers undefined only when the signal ended it. */
export async function persist<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  failed: (error: unknown, failures: number, retryInMs: number) => void,
): Promise<T | undefined> {
  for (let failures = 1; !signal.aborted; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) return undefined;
      const delay = backoff(failures);
      failed(error, failures, delay);
      await wait(delay, signal);
    }
  }
  return undefined;
}
