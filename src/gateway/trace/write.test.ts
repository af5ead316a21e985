import { expect, it } from "vitest";

import type { Call } from "../call.ts";
import type { Step } from "../chain.ts";
import { traceId } from "./id.ts";
import { TraceRecorder } from "./record.ts";
import { Veil } from "./veil.ts";
import { Trace } from "./view.ts";
import { written } from "./write.ts";

const callOf = (): Call =>
  ({
    id: "request-1",
    method: "GET",
    path: "/orders/7",
    sentQuery: "",
    query: "",
    sent: new Headers(),
    headers: new Headers(),
    caller: {},
    api: { revision: 1 },
    resource: "order",
    operation: "get",
  }) as unknown as Call;

const stepOf = (id: string): Step => ({ id, type: "header", stage: "request", level: "api" }) as Step;

interface Much {
  readonly steps: number;
  readonly headers?: number;
  readonly body?: number;
  readonly message?: number;
}

/** The trace of a call in which every step says so much. */
function traceOf({ steps, headers = 0, body = 0, message = 0 }: Much): Trace {
  const call = callOf();
  const recorder = new TraceRecorder(() => 0);
  for (let at = 0; at < steps; at += 1) {
    const leave = recorder.enter(stepOf(`step-${at}`), call);
    for (let one = 0; one < headers; one += 1) call.headers.set(`x-${at}-${one}`, "v".repeat(2000));
    const bytes = new TextEncoder().encode("b".repeat(body));
    const seen = { type: "text/plain", now: () => ({ bytes, isWhole: true }), done: Promise.resolve() };
    if (body > 0) recorder.log({ level: "info", body: seen });
    recorder.note("n".repeat(2000));
    leave({ kind: "failed", message: "ü".repeat(message), goesOn: true });
  }
  const ended = { id: traceId(0), call, status: 200, headers: [], code: undefined, ms: 1, isAsked: true };
  const trace = written(recorder, ended, new Veil([]));
  expect(Trace.parse(trace)).toEqual(trace);
  expect(new TextEncoder().encode(JSON.stringify(trace)).byteLength).toBeLessThanOrEqual(100_000);
  return trace;
}

it("a value has at most 1,000 characters, and there are at most 50 notes", () => {
  const trace = traceOf({ steps: 60, headers: 0 });
  expect(trace.truncated).toBeUndefined();
  const notes = trace.steps.flatMap((step) => step.notes ?? []);
  expect([notes.length, ...new Set(notes)]).toEqual([50, `${"n".repeat(1000)}…`]);
});

it.each<[string, Much, Partial<Record<"steps" | "bodies" | "headers", boolean>>]>([
  ["bodies are cut first", { steps: 10, headers: 1, body: 60_000 }, { steps: true, bodies: true, headers: true }],
  [
    "then all but the outcomes goes",
    { steps: 40, headers: 20, body: 10 },
    { steps: true, bodies: false, headers: false },
  ],
  ["and steps in the end", { steps: 400, message: 2000 }, { steps: false, bodies: false, headers: false }],
])("a trace that is too large is made smaller: %s", (_, much, kept) => {
  const trace = traceOf(much);
  expect(trace.truncated).toBe(true);
  expect({
    steps: trace.steps.length === much.steps,
    bodies: trace.steps.some(({ logs }) => logs !== undefined),
    headers: trace.steps.some(({ headers }) => headers !== undefined),
  }).toEqual(kept);
  expect(trace.steps.length).toBeGreaterThan(0);
});
