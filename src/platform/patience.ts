/** Seconds for which who is held off has to wait; the period of the bindings. */
export const HELD_SECONDS = 60;
const MOST = 5000;

export interface Miss {
  readonly sender: string | undefined;
  /** What was asked for in vain. The same again does not count: who has not heard that it is gone is no guesser. */
  readonly what?: string;
  /** By what the limiter counts, if not by the sender. */
  readonly key?: string;
}

/** Holds senders off that guess, by what a limiter of the platform says of their misses. */
export class Patience {
  readonly #held = new Map<string, number>();
  readonly #missed = new Set<string>();

  isHeld(sender: string | undefined, now: number): boolean {
    return sender !== undefined && (this.#held.get(sender) ?? 0) > now;
  }

  /** Counts a miss, and answers whether its sender now has to wait. Without a limiter nothing is counted. */
  async countMiss(
    limiter: Pick<RateLimit, "limit"> | undefined,
    { sender, what, key = sender }: Miss,
    now: () => number,
  ): Promise<boolean> {
    if (limiter === undefined || sender === undefined || key === undefined) return false;
    if (what !== undefined && !this.#isNew(`${sender} ${what}`)) return false;
    if ((await limiter.limit({ key })).success) return false;
    for (const oldest of this.#held.keys()) {
      if (this.#held.size < MOST) break;
      this.#held.delete(oldest);
    }
    this.#held.set(sender, now() + HELD_SECONDS * 1000);
    return true;
  }

  #isNew(miss: string): boolean {
    if (this.#missed.has(miss)) return false;
    if (this.#missed.size >= MOST) this.#missed.clear();
    this.#missed.add(miss);
    return true;
  }
}
