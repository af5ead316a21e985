import type { ConfigOf } from "../apis/interceptors.ts";

export type Interval = ConfigOf<"rateLimit">["interval"];

/** `window`: so many in each interval of the clock and the calendar. `gap`: one, and for so long no other. */
export type Rule =
  | { readonly kind: "window"; readonly interval: Interval; readonly most: number }
  | { readonly kind: "gap"; readonly gapMs: number };

/** What is known of a key. From `ends` on it means nothing any more. */
export interface Counted {
  /** Milliseconds since 1970. */
  readonly ends: number;
  /** Calls that were let through. */
  readonly taken: number;
}

export interface Verdict {
  readonly passes: boolean;
  /** Calls that were let through in the window, this one included. */
  readonly taken: number;
  /** Whether no other call passes before the window ends. */
  readonly isFull: boolean;
  /** Milliseconds until it ends. */
  readonly waitMs: number;
}

const lengths = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/** The interval in which a moment lies, in UTC. */
export function windowAt(interval: Interval, at: number): { readonly starts: number; readonly ends: number } {
  if (interval === "month") {
    const date = new Date(at);
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
    return { starts: Date.UTC(year, month), ends: Date.UTC(year, month + 1) };
  }
  const length = lengths[interval];
  const starts = Math.floor(at / length) * length;
  return { starts, ends: starts + length };
}

/** Calls that pass in a window, with those of a soft limit. */
export const mostOf = (calls: number, softPercent = 0): number => calls + Math.floor((calls * softPercent) / 100);

/** Clocks tell whole milliseconds: at least 3.6 apart is at least 4 apart. */
export const gapOf = (limit: number, interval: keyof typeof lengths): number => Math.ceil(lengths[interval] / limit);

/** Whether one more call passes, and what is known behind it; nothing new if it does not. */
export function judge(
  rule: Rule,
  counted: Counted | undefined,
  now: number,
): { readonly verdict: Verdict; readonly next?: Counted } {
  const most = rule.kind === "window" ? rule.most : 1;
  const open = counted !== undefined && now < counted.ends ? counted : undefined;
  if (open !== undefined && open.taken >= most) {
    return { verdict: { passes: false, taken: open.taken, isFull: true, waitMs: open.ends - now } };
  }
  const taken = (open?.taken ?? 0) + 1;
  const ends = open?.ends ?? (rule.kind === "window" ? windowAt(rule.interval, now).ends : now + rule.gapMs);
  return { verdict: { passes: true, taken, isFull: taken >= most, waitMs: ends - now }, next: { ends, taken } };
}

/** A time in whole seconds, as headers tell it: never too short, and never none. */
export const secondsOf = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

/** Keys of which it is known until when none of their calls passes. The one that was heard of longest ago goes first. */
export class FullKeys {
  readonly #most: number;
  readonly #until = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Until when a key is full; undefined if that is not known. */
  until(key: string, now: number): number | undefined {
    const until = this.#until.get(key);
    return until !== undefined && now < until ? until : undefined;
  }

  /** Answers come in any order, and each is true: the latest time counts. */
  heard(key: string, until: number): void {
    const known = this.#until.get(key) ?? 0;
    this.#until.delete(key);
    this.#until.set(key, Math.max(known, until));
    if (this.#until.size <= this.#most) return;
    for (const oldest of this.#until.keys()) {
      this.#until.delete(oldest);
      return;
    }
  }
}
