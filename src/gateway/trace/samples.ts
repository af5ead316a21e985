/** Samples that one isolate keeps in a second. */
const MOST_A_SECOND = 20;
const MOST_APIS = 1000;

/** Bounds how many calls are sampled, whatever share APIs ask for. */
export class Samples {
  #second = 0;
  #taken = 0;
  /** Samples that were left out since the last one that was taken, by API. */
  readonly #dropped = new Map<string, number>();

  /** Takes a sample: how many were left out before it. Undefined if it is left out itself. */
  take(api: string, now: number): number | undefined {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
    }
    const dropped = this.#dropped.get(api) ?? 0;
    if (this.#taken >= MOST_A_SECOND) {
      if (dropped === 0 && this.#dropped.size >= MOST_APIS) this.#dropped.clear();
      this.#dropped.set(api, dropped + 1);
      return undefined;
    }
    this.#taken += 1;
    this.#dropped.delete(api);
    return dropped;
  }
}
