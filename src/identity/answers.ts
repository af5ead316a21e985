import { Memory } from "./memory.ts";

export interface Question<T> {
  /** Never fails: what goes wrong is an answer too. */
  readonly ask: () => Promise<T>;
  /** For how long the answer is remembered; 0 for not at all. */
  readonly lastsMs: (answer: T) => number;
  /** After how long nobody joins those who wait for it any more. */
  readonly patienceMs: number;
}

export interface By {
  readonly now: () => number;
  /** Keeps a question alive when the request that asked it goes away while others wait for the answer. */
  readonly defer: (promise: Promise<unknown>) => void;
}

/** Answers of other services: remembered for a time, and shared by all who ask the same meanwhile. */
export class Answers<T> {
  readonly #known = new Memory<T>();
  readonly #underWay = new Map<string, { readonly answer: Promise<T>; readonly until: number }>();

  get(key: string, now: number): T | undefined {
    return this.#known.get(key, now);
  }

  /** Who waits needs a limit of their own: the request that asks may be cut off, and then the answer never comes. */
  async ask(key: string, { now, defer }: By, { ask, lastsMs, patienceMs }: Question<T>): Promise<T> {
    const known = this.#known.get(key, now());
    if (known !== undefined) return known;
    const shared = this.#underWay.get(key);
    if (shared !== undefined && shared.until > now()) return shared.answer;
    const answer = ask().then((told) => {
      const lasts = lastsMs(told);
      if (lasts > 0) this.#known.set(key, told, now() + lasts);
      if (this.#underWay.get(key)?.answer === answer) this.#underWay.delete(key);
      return told;
    });
    this.#underWay.set(key, { answer, until: now() + patienceMs });
    defer(answer);
    return answer;
  }
}

/** The answer, or what is said instead if it takes too long. */
export async function inTime<T, Late>(milliseconds: number, answer: Promise<T>, late: () => Late): Promise<T | Late> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const over = new Promise<Late>((resolve) => {
    timer = setTimeout(() => resolve(late()), milliseconds);
  });
  try {
    return await Promise.race([answer, over]);
  } finally {
    clearTimeout(timer);
  }
}
