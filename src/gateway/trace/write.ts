import { bytesOf } from "../../messages/model.ts";
import type { Call } from "../call.ts";
import type { LogLine } from "../trace.ts";
import type { RecordedStep, TraceRecorder } from "./record.ts";
import { timeIn } from "./id.ts";
import { cut, type Veil } from "./veil.ts";
import type { Trace, TraceStep } from "./view.ts";

/** Bytes of a trace as it is kept. */
const MOST_BYTES = 100_000;

/** How a call that is traced came out. */
export interface Ended {
  readonly id: string;
  readonly call: Call;
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly code: string | undefined;
  readonly ms: number;
  readonly isAsked: boolean;
  readonly dropped?: number;
}

/** Writes what was recorded, as far as it may be seen. */
export function written(recorder: TraceRecorder, ended: Ended, veil: Veil): Trace {
  const { call, id, status, code, ms, isAsked, dropped = 0 } = ended;
  learn(recorder, ended, veil);
  const { asked } = recorder;
  const shown = (texts: readonly string[]): string[] => texts.map((text) => cut(veil.text(text)));
  return bounded({
    id,
    at: new Date(timeIn(id)).toISOString(),
    method: call.method,
    path: cut(veil.text(call.path)),
    status,
    code: code ?? null,
    revision: call.api.revision,
    ms,
    query: veil.query(call.sentQuery),
    resource: call.resource,
    operation: call.operation,
    caller: call.caller.address ?? null,
    app: call.app === undefined ? null : { id: call.app.id, name: call.app.name },
    plan: call.plan ?? null,
    requestId: call.id,
    asked: isAsked,
    ...(dropped === 0 ? {} : { dropped }),
    destination:
      asked === undefined
        ? null
        : {
            address: veil.address(asked.url),
            ...(asked.status === undefined ? {} : { status: asked.status }),
            ...(asked.code === undefined ? {} : { code: asked.code }),
            ms: asked.ms,
          },
    steps: recorder.steps.map((step) => stepOf(step, veil, shown)),
    ...(recorder.notes.length === 0 ? {} : { notes: shown(recorder.notes) }),
  });
}

/** All values that must not be seen, before the first text is written. */
function learn({ steps, asked }: TraceRecorder, { call, headers }: Ended, veil: Veil): void {
  for (const all of [call.sent, call.headers, headers]) veil.learnHeaders(all);
  for (const step of steps) {
    veil.learnHeaders(
      step.headers.flatMap(({ name, before = "", after = "" }) => [
        [name, before],
        [name, after],
      ]),
    );
    for (const { headers: logged = [] } of step.logs) veil.learnHeaders(logged);
  }
  for (const query of [call.sentQuery, call.query, URL.parse(asked?.url ?? "")?.search ?? ""]) veil.learnQuery(query);
}

function stepOf(recorded: RecordedStep, veil: Veil, shown: (texts: readonly string[]) => string[]): TraceStep {
  const { step, notes, logs, ms, headers } = recorded;
  const outcome = recorded.outcome ?? { kind: "failed", message: "It did not end.", goesOn: false };
  return {
    id: step.id,
    type: step.type,
    stage: step.stage,
    level: step.level,
    outcome: outcome.kind,
    ...(outcome.kind === "stopped" ? { code: outcome.code, status: outcome.status } : {}),
    ...(outcome.kind === "failed" ? { message: cut(veil.text(outcome.message)), goesOn: outcome.goesOn } : {}),
    ms,
    ...(headers.length === 0
      ? {}
      : {
          headers: headers.map(({ name, before, after }) => ({
            name,
            ...(before === undefined ? {} : { before: veil.header(name, before) }),
            ...(after === undefined ? {} : { after: veil.header(name, after) }),
          })),
        }),
    ...(notes.length === 0 ? {} : { notes: shown(notes) }),
    ...(logs.length === 0 ? {} : { logs: logs.map((line) => lineOf(line, veil)) }),
  };
}

const lineOf = ({ level, message, headers, body }: LogLine, veil: Veil): NonNullable<TraceStep["logs"]>[number] => ({
  level,
  ...(message === undefined ? {} : { message: cut(veil.text(message)) }),
  ...(headers === undefined
    ? {}
    : { headers: Object.fromEntries(headers.map(([name, value]) => [name, veil.header(name, value)])) }),
  ...(body === undefined ? {} : veil.body(body)),
});

const shorterBodies =
  (most: number) =>
  (trace: Trace): Trace => ({
    ...trace,
    steps: trace.steps.map((step) => ({
      ...step,
      ...(step.logs === undefined ? {} : { logs: step.logs.map((line) => shorter(line, most)) }),
    })),
  });

const shorter = (line: NonNullable<TraceStep["logs"]>[number], most: number): typeof line =>
  line.body === undefined || line.body.length <= most
    ? line
    : { ...line, body: line.body.slice(0, most), truncated: true };

const onlyOutcomes = (trace: Trace): Trace => ({
  ...trace,
  steps: trace.steps.map(({ headers: _headers, notes: _notes, logs: _logs, ...step }) => step),
});

const fewerSteps =
  (most: number) =>
  (trace: Trace): Trace => ({ ...onlyOutcomes(trace), steps: onlyOutcomes(trace).steps.slice(0, most), notes: [] });

const ways = [shorterBodies(8000), shorterBodies(1000), shorterBodies(0), onlyOutcomes, fewerSteps(50), fewerSteps(10)];

const fits = (trace: Trace): boolean => bytesOf(JSON.stringify(trace)) <= MOST_BYTES;

/** What matters least is left out first. */
function bounded(trace: Trace): Trace {
  if (fits(trace)) return trace;
  for (const way of ways) {
    const smaller = { ...way(trace), truncated: true as const };
    if (fits(smaller)) return smaller;
  }
  return { ...trace, steps: [], notes: [], truncated: true };
}
