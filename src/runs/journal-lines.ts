import type { StreamEvent } from "../platform/event-stream.ts";
import type { RunFault } from "./model.ts";
import type { Rows } from "./rows.ts";
import type { LoggedLine } from "./step-logs.ts";

/** Characters of lines that one run tells at a time. */
const MOST_CHARACTERS = 500_000;

export function linesOf(rows: Rows, step: string, most: number): LoggedLine[] {
  const lines = rows.all<{ at: number; level: string; message: string }>(
    "SELECT value ->> '$.at' AS at, value ->> '$.level' AS level, value ->> '$.message' AS message FROM items, json_each(items.lines) WHERE step = ? ORDER BY items.id LIMIT ?",
    step,
    most,
  );
  let left = MOST_CHARACTERS;
  return lines.filter(({ message }) => (left -= message.length) >= 0);
}

const MOST_TOLD = 500;

/** What changed at the steps behind a change, in order; of a step that changed several times, how it stands now. */
export function changesSince(rows: Rows, seq: number): StreamEvent[] {
  const changed = rows.all<{
    seq: number;
    id: number;
    step: string;
    state: string;
    attempts: number;
    fault: string | null;
  }>("SELECT seq, id, step, state, attempts, fault FROM items WHERE seq > ? ORDER BY seq LIMIT ?", seq, MOST_TOLD);
  const events: StreamEvent[] = changed.map(({ seq: id, id: item, fault, ...rest }) => ({
    id,
    event: "step",
    data: { item, ...rest, error: fault === null ? null : (JSON.parse(fault) as RunFault) },
  }));
  const run = rows.first<{ status: string; told: number; fault: string | null }>("SELECT status, told, fault FROM run");
  if (changed.length === MOST_TOLD || run?.told !== 2) return events;
  const last = rows.first<{ seq: number }>("SELECT coalesce(max(seq), 0) + 1 AS seq FROM items")!.seq;
  const error = run.fault === null ? null : (JSON.parse(run.fault) as RunFault);
  return seq >= last ? events : [...events, { id: last, event: "run", data: { status: run.status, error } }];
}
