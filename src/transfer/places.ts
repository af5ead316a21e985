import type { Database } from "../db/client.ts";

/** Places in the order of creation that one millisecond has. */
const ROOM = 1024;

/** Behind the last place that is taken in a millisecond; where that is full, in the first one after it that is not. */
const FREE = `WITH RECURSIVE room (asked, ms, last) AS (
    SELECT value, value, (SELECT max(pos) FROM flows WHERE pos >= value * ${ROOM} AND pos < (value + 1) * ${ROOM}) FROM json_each(?1)
    UNION ALL
    SELECT asked, ms + 1, (SELECT max(pos) FROM flows WHERE pos >= (ms + 1) * ${ROOM} AND pos < (ms + 2) * ${ROOM})
      FROM room WHERE last = ms * ${ROOM} + ${ROOM - 1})
  SELECT asked, ms, coalesce(last + 1, ms * ${ROOM}) AS pos FROM room WHERE last IS NULL OR last < ms * ${ROOM} + ${ROOM - 1}`;

export interface FreePlace {
  readonly asked: number;
  readonly ms: number;
  readonly pos: number;
}

/** Statement for the first free places at some times. */
export const freePlaces = (db: Database, times: readonly number[]): D1PreparedStatement =>
  db.sql(FREE, JSON.stringify([...new Set(times)]));

/** Gives out places, each once. */
export class Places {
  readonly #free: Map<number, FreePlace>;
  readonly #next = new Map<number, number>();

  constructor(free: readonly FreePlace[]) {
    this.#free = new Map(free.map((place) => [place.asked, place]));
  }

  /** A place at a time; or, if it is full by now, the time at which to ask for one. */
  at(time: number): { readonly pos: number } | { readonly ask: number } {
    const free = this.#free.get(time);
    if (free === undefined) return { ask: time };
    const pos = Math.max(free.pos, this.#next.get(free.ms) ?? 0);
    if (pos >= (free.ms + 1) * ROOM) return { ask: free.ms + 1 };
    this.#next.set(free.ms, pos + 1);
    return { pos };
  }

  /** Takes more into account. */
  learn(free: readonly FreePlace[]): void {
    for (const place of free) this.#free.set(place.asked, place);
  }
}
