/**
 * One object per counted key: it says which calls pass, and keeps one row.
 *
 * Exactness  a call is judged and written down without a pause between, and the answer leaves the object only once that
 *            is on disk. So calls at once, an eviction and a crash never let one too many pass.
 * Time       is the object's own. A window that it has begun stays until its end, also if the clock is set back.
 * Erasure    the alarm erases the object when its row means nothing any more. It is set with the first call, for the
 *            end of the window, but not more often than once a minute.
 */
import { DurableObject } from "cloudflare:workers";

import { type Counted, judge, type Rule, type Verdict } from "./counting.ts";

interface Row extends Counted {
  /** For when the alarm was set. */
  readonly wakesAt: number;
}

const SHORTEST_SLEEP_MS = 60_000;
const ROW = "row";

export class CounterObject extends DurableObject<Env> {
  /** Judges a call and counts it if it passes. */
  async take(rule: Rule): Promise<Verdict> {
    const now = Date.now();
    const row = this.#row();
    const { verdict, next } = judge(rule, row, now);
    if (next !== undefined) await this.#keep(next, row?.wakesAt ?? 0, now);
    return verdict;
  }

  /** What `take` would say. */
  peek(rule: Rule): Verdict {
    return judge(rule, this.#row(), Date.now()).verdict;
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    const row = this.#row();
    if (row !== undefined && now < row.ends) return this.#keep(row, 0, now);
    return this.ctx.storage.deleteAll();
  }

  #row(): Row | undefined {
    return this.ctx.storage.kv.get<Row>(ROW);
  }

  /** Row and alarm are one commit. An alarm that did not ring in its time is set again. */
  async #keep({ ends, taken }: Counted, wakesAt: number, now: number): Promise<void> {
    const isSet = wakesAt > now;
    const wakes = isSet ? wakesAt : Math.max(ends, now + SHORTEST_SLEEP_MS);
    this.ctx.storage.kv.put<Row>(ROW, { ends, taken, wakesAt: wakes });
    if (!isSet) await this.ctx.storage.setAlarm(wakes);
  }
}
