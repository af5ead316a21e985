import * as fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../../support/api.ts";
import { someone } from "../../support/given.ts";
import { replaceNetwork } from "../../support/iam.ts";
import { activeFlow, begun, crash, ended, hurried, logged, rested } from "../../support/runs.ts";
import { expected, type Kind, type Outcome, type States, type Step } from "./model.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const fieldsOf: Record<Kind, object> = {
  call: { method: "POST", url: "https://target.example/{{$step.id}}", body: "{{data}}", into: "metadata.answer" },
  filter: { condition: "$length(data) % 3 != 0" },
  split: { items: "[data & '0', data & '1']" },
  aggregate: { expression: "$join($sort(data), '+')" },
};

const graphOf = (steps: readonly Step[]) => ({
  nodes: steps.map(({ id, kind, continues }, index) => ({
    id,
    // The run stands still before its first step, so that it can be made to crash.
    componentId: index === 0 ? "delay" : kind === "call" ? "http" : kind,
    fields: index === 0 ? { seconds: 600 } : fieldsOf[kind],
    nodeSettings: { retry: { attempts: 3, delay: 0, jitter: 0 }, ...(continues ? { onError: "continue" } : {}) },
  })),
  edges: steps.flatMap(({ id, next }) => next.map((to) => ({ source: id, target: to }))),
});

const kind = fc.constantFrom<Kind>("call", "call", "call", "filter", "split", "aggregate", "aggregate");

/** Steps in an order in which messages come to them, each behind one or two of those before it. */
const flows: fc.Arbitrary<Step[]> = fc
  .array(fc.record({ kind, continues: fc.boolean(), behind: fc.array(fc.nat(), { minLength: 1, maxLength: 2 }) }), {
    minLength: 1,
    maxLength: 7,
  })
  .map((told) => {
    const next = [...told, undefined].map((): string[] => []);
    for (const [index, { behind }] of told.entries()) {
      const sources = new Set(behind.map((number) => number % (index + 1)));
      for (const source of sources) next[source]!.push(`s${index + 1}`);
    }
    const first: Step = { id: "s0", kind: "call", continues: false, next: next[0]! };
    const rest = told.map(({ kind: of, continues }, index): Step => {
      return { id: `s${index + 1}`, kind: of, continues: continues && of === "call", next: next[index + 1]! };
    });
    return [first, ...rest];
  });

/** A number that follows from a text. */
function chance(text: string): number {
  let hash = 2166136261;
  for (const character of text) hash = Math.imul(hash ^ character.codePointAt(0)!, 16777619);
  return ((hash ^ (hash >>> 15)) >>> 0) % 1000;
}

const outcomes: readonly Outcome[] = ["ok", "ok", "ok", "ok", "ok", "passing", "passing", "fault", "unreachable"];

interface Luck {
  readonly seed: number;
  /** Of a thousand calls so many find the run crashed. */
  readonly crashes: number;
}

const outcomeBy =
  ({ seed }: Luck) =>
  (step: string, data: string): Outcome =>
    step === "s0" ? "ok" : outcomes[chance(`${seed} ${step} ${data}`) % outcomes.length]!;

/** The target of all calls. What it is asked under a key it answers by chance, and now and then the run crashes first. */
function target(luck: Luck, outcomeOf: (step: string, data: string) => Outcome) {
  const state = { run: "", crashed: 0, calls: 0, outcomeOf };
  const tries = new Map<string, number>();
  replaceNetwork(async ({ url, headers, body }) => {
    state.calls += 1;
    const key = headers.get("idempotency-key")!;
    const count = (tries.get(key) ?? 0) + 1;
    tries.set(key, count);
    if (state.crashed < 3 && chance(`${luck.seed} ${key.split("/").slice(1).join()} ${count}`) < luck.crashes) {
      state.crashed += 1;
      await crash(state.run);
      return new Promise<Response>(() => undefined);
    }
    const outcome = state.outcomeOf(new URL(url).pathname.slice(1), JSON.parse(body) as string);
    if (outcome === "fault") return new Response(null, { status: 400 });
    const isDown = outcome === "unreachable" || (outcome === "passing" && count < 2);
    return new Response(null, { status: isDown ? 503 : 200 });
  });
  return state;
}

async function statesIn(run: string): Promise<States> {
  const rows = await logged<{ step: string; state: string; count: number }>(
    run,
    "SELECT step, state, count(*) AS count FROM items GROUP BY step, state",
  );
  const states: States = {};
  for (const { step, state, count } of rows) (states[step] ??= {})[state] = count;
  return states;
}

async function began(caller: Caller, steps: readonly Step[]): Promise<string> {
  const run = await begun(caller, await activeFlow(caller, graphOf(steps)), "r");
  await rested(run);
  return run;
}

const luck: fc.Arbitrary<Luck> = fc.record({ seed: fc.nat(1_000_000), crashes: fc.constantFrom(0, 50, 200) });
const parameters = { numRuns: 25, endOnFailure: true };

describe("any run without loops", () => {
  it("ends as a simple model says, whatever fails and crashes", { timeout: 60_000 }, async () => {
    const caller = await someone();
    await fc.assert(
      fc.asyncProperty(flows, luck, async (steps, by) => {
        const model = expected(steps, outcomeBy(by));
        fc.pre(model !== undefined);
        const state = target(by, outcomeBy(by));
        state.run = await began(caller, steps);
        const { status } = await hurried(caller, state.run);
        expect({ status, states: await statesIn(state.run) }).toEqual({ status: model.status, states: model.states });
        const [sums] = await logged<{ attempts: number; open: number }>(
          state.run,
          "SELECT (SELECT coalesce(sum(attempts), 0) FROM items JOIN run WHERE step IN (SELECT value ->> 'id' FROM json_each(definition, '$.graph.nodes') WHERE value ->> 'componentId' = 'http')) AS attempts, (SELECT sum(open) FROM scopes) AS open FROM run",
        );
        expect(sums!.open).toBe(0);
        // A crash costs at most the calls that were under way.
        expect(state.calls).toBeGreaterThanOrEqual(sums!.attempts);
        expect(state.calls).toBeLessThanOrEqual(sums!.attempts + 6 * state.crashed);
      }),
      parameters,
    );
  });

  it("ends after its restart as if nothing had failed that was tried again", { timeout: 60_000 }, async () => {
    const caller = await someone();
    await fc.assert(
      fc.asyncProperty(flows, luck, fc.boolean(), async (steps, by, inTwo) => {
        const outcomeOf = outcomeBy(by);
        const continuing = new Set(steps.filter((step) => step.continues).map(({ id }) => id));
        const healed = (step: string, data: string): Outcome => (continuing.has(step) ? outcomeOf(step, data) : "ok");
        const [before, after] = [expected(steps, outcomeOf), expected(steps, healed)];
        fc.pre(before?.status === "failed" && after !== undefined);
        const state = target(by, outcomeOf);
        state.run = await began(caller, steps);
        expect((await hurried(caller, state.run)).status).toBe("failed");
        const halfway = (step: string, data: string): Outcome =>
          chance(`half ${step} ${data}`) % 2 === 0 ? healed(step, data) : outcomeOf(step, data);
        for (const now of inTwo ? [halfway, healed] : [healed]) {
          state.outcomeOf = now;
          // Its answer may be lost in a crash.
          await caller.call("restartRun", { params: { id: state.run } });
          await hurried(caller, state.run);
        }
        const { status } = await ended(caller, state.run);
        expect({ status, states: await statesIn(state.run) }).toEqual({ status: after.status, states: after.states });
      }),
      parameters,
    );
  });
});
