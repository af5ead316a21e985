import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";

import { newId } from "../../test/support/given.ts";
import { courseOf } from "./course.ts";
import { Journal, type Seed } from "./journal.ts";
import { limits, type RunFacts } from "./model.ts";
import { StepFault } from "./steps.ts";

const facts = { id: "run_1", flowId: newId(), startedBy: newId(), startedIn: null, depth: 0 } as RunFacts;
const nodes = [
  { id: "one", componentId: "flow", fields: {} },
  { id: "other", componentId: "flow", fields: {} },
  { id: "log", componentId: "log", fields: {} },
];
const definition = JSON.stringify({ name: null, graph: { nodes, edges: [] } });
const keeper = { learn: () => Promise.resolve(), adopt: () => Promise.resolve(), sealed: "{}" };

/** A run whose messages stand at these steps, in this order. */
const inRun = <T>(steps: readonly string[], act: (journal: Journal) => Promise<T>): Promise<T> =>
  runInDurableObject(env.RUN.getByName(crypto.randomUUID()), (_, { storage }) => {
    const journal = new Journal(storage);
    const seeds: Seed[] = steps.map((step) => ({ step, body: '{"data":1}' }));
    journal.begin({ facts, definition, seeds }, { now: 0, endsBy: 1 });
    return act(journal);
  });

/** What becomes of calls by items: those that may call find that there is no such flow. */
async function callsBy(journal: Journal, ...items: number[]): Promise<string[]> {
  const { callFlow } = courseOf(env, journal, keeper).world;
  const codes: string[] = [];
  for (const item of items) {
    const called = callFlow(newId(), { data: 1 }, { item, waits: true, again: false });
    codes.push(await called.catch((error: unknown) => (error instanceof StepFault ? error.fault.code : "no fault")));
  }
  return codes;
}

const [may, mayNot] = ["CALLED_FLOW_UNKNOWN", "CALL_LIMIT"];
const many = (count: number, step: string): string[] => Array.from({ length: count }, () => step);

it("lets a run call a thousand others, whichever of its steps calls and whatever stands between", async () => {
  const steps = [...many(600, "one"), ...many(50, "log"), ...many(402, "other")];
  await inRun(steps, async (journal) => {
    expect(limits.calls).toBe(1000);
    expect(await callsBy(journal, 1, 1050, 1051, 1052, 600)).toEqual([may, may, mayNot, mayNot, may]);
    expect(await callsBy(journal, 1052, 1050)).toEqual([mayNot, may]);
  });
});

it("counts messages that come later, and none twice", async () => {
  await inRun([...many(999, "one"), "log"], async (journal) => {
    const { callFlow } = courseOf(env, journal, keeper).world;
    const call = (item: number) => callFlow(newId(), { data: 1 }, { item, waits: true, again: item === 3 });
    for (const item of [3, 999, 3, 3]) await expect(call(item)).rejects.toMatchObject({ fault: { code: may } });
    const later = () =>
      journal.items.insert({ step: "other", parent: 1, scope: 0, place: 0, input: journal.items.keep("{}") }, 0);
    const [last, beyond] = [later(), later()];
    await expect(call(last)).rejects.toMatchObject({ fault: { code: may } });
    await expect(call(beyond)).rejects.toMatchObject({ fault: { code: mayNot, mayPass: false } });
    await expect(call(last)).rejects.toMatchObject({ fault: { code: may } });
  });
});
