import type { Rows } from "./rows.ts";
import type { RunRow } from "./journal.ts";
import type { Definition, RunFacts, RunFault } from "./model.ts";
import type { Run, StepRun } from "./view.ts";
import { MOST_SHOWN } from "./view.ts";

const MOST_ITEMS = 100;
const MOST_OUTPUTS = 10;
/** Characters of messages in one answer; what comes after them is left out. */
const MOST_TOLD = 4 * 1024 * 1024;

interface Room {
  left: number;
}

interface ItemRow {
  readonly id: number;
  readonly parent: number | null;
  readonly step: string;
  readonly state: StepRun["state"];
  readonly attempts: number;
  readonly began_at: number | null;
  readonly ms: number | null;
  readonly due_at: number | null;
  readonly input: number;
  readonly outputs: string | null;
  readonly fault: string | null;
}

/** Takes secrets out of the JSON that is shown: of messages, and of what else is told of a run. */
export interface Mask {
  readonly message: (text: string) => string;
  readonly told: (text: string) => string;
}

/** A run as its users see it: read from its log, masked, and cut to a size that can be shown. */
export function runView(
  rows: Rows,
  run: RunRow,
  facts: RunFacts,
  definition: Definition,
  mask: Mask,
  after: number,
): Run {
  const found = rows.all<ItemRow>(
    "SELECT id, parent, step, state, attempts, began_at, ms, due_at, input, outputs, fault FROM items WHERE id > ? ORDER BY id LIMIT ?",
    after,
    MOST_ITEMS + 1,
  );
  const room: Room = { left: MOST_TOLD };
  const items = found.slice(0, MOST_ITEMS);
  const soon = rows.all<{ n: number }>("SELECT 1 AS n FROM items WHERE due_at <= ? LIMIT 1", Date.now());
  return {
    id: facts.id,
    flowId: facts.flowId,
    status: run.status,
    trigger: facts.trigger,
    revision: facts.revision,
    requestId: facts.requestId,
    replayOf: facts.replayOf ?? null,
    startedAt: timeOf(run.started_at)!,
    endedAt: timeOf(run.ended_at),
    error: faultIn(run.fault, mask),
    waiting: run.status === "running" && soon.length === 0,
    startedBy: facts.startedBy,
    graph: JSON.parse(mask.told(JSON.stringify(definition.graph))) as unknown,
    steps: stepsOf(rows),
    items: items.map((row) => itemView(rows, row, mask, room)),
    nextItem: found.length > MOST_ITEMS ? items.at(-1)!.id : null,
  };
}

function stepsOf(rows: Rows): Run["steps"] {
  const found = rows.all<{ step: string; state: string; items: number; attempts: number; ms: number }>(
    "SELECT step, state, count(*) AS items, sum(attempts) AS attempts, coalesce(sum(ms), 0) AS ms FROM items GROUP BY step, state ORDER BY min(id)",
  );
  return [...Map.groupBy(found, ({ step }) => step)].map(([step, group]) => ({
    step,
    states: Object.fromEntries(group.map(({ state, items }) => [state, items])),
    attempts: group.reduce((sum, { attempts }) => sum + attempts, 0),
    milliseconds: group.reduce((sum, { ms }) => sum + ms, 0),
  }));
}

function itemView(rows: Rows, row: ItemRow, mask: Mask, room: Room): StepRun {
  const outputs = row.outputs === null ? [] : (JSON.parse(row.outputs) as number[]);
  const shown = [row.input, ...outputs.slice(0, MOST_OUTPUTS)].map((id) => messageView(rows, id, mask, room));
  const [input, ...rest] = shown;
  return {
    item: row.id,
    parent: row.parent,
    step: row.step,
    state: row.state,
    attempts: row.attempts,
    startedAt: timeOf(row.began_at),
    milliseconds: row.ms,
    dueAt: timeOf(row.due_at),
    input: input!.value,
    outputs: rest.map(({ value }) => value),
    error: faultIn(row.fault, mask),
    truncated: shown.some(({ cut }) => cut) || outputs.length > MOST_OUTPUTS,
  };
}

function messageView(rows: Rows, id: number, mask: Mask, room: Room): { value: unknown; cut: boolean } {
  const body = rows.all<{ body: string }>("SELECT body FROM messages WHERE id = ?", id)[0]?.body;
  if (body === undefined) return { value: null, cut: false };
  if (room.left <= 0) return { value: null, cut: true };
  const masked = mask.message(body);
  room.left -= Math.min(masked.length, MOST_SHOWN);
  if (masked.length <= MOST_SHOWN) return { value: JSON.parse(masked) as unknown, cut: false };
  return { value: masked.slice(0, MOST_SHOWN), cut: true };
}

const faultIn = (text: string | null, mask: Mask): RunFault | null =>
  text === null ? null : (JSON.parse(mask.told(text)) as RunFault);

const timeOf = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
