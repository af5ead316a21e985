/** The workflow whose executions are measured, what people enter, and how large what is kept and shown is by then. */
import { randomUUID } from "node:crypto";

import { begin, interpret, viewOf } from "../../src/executions/interpret.ts";
import type { State } from "../../src/executions/state.ts";
import { Workflow } from "../../src/workflows/model.ts";
import { insertOf, rowOf } from "../data.ts";
import { flowAt, type Flow } from "../dataset.ts";
import { input, NAME, payloads, uris } from "./story.ts";

/** Of the data set; what is measured does not depend on how many other flows there are. */
export const SIZE = 1000;

/** The story of `npm run demo -- onboarding`, without its calls to others: three submits, the last one ends it. */
const script = Workflow.parse({
  name: NAME,
  access: "public",
  validate: { channel: { rule: "string", optional: true } },
  commands: [
    {
      command: "route",
      name: "basic",
      uri: "/basic",
      validate: {
        firstname: { rule: "string", max: 100 },
        lastname: { rule: "string", max: 100 },
        age: { rule: "number", min: 18, integer: true },
        mobile: { rule: "regex", pattern: "\\+\\d{8,15}", message: "Use digits with a leading +." },
      },
    },
    { command: "set", values: { "limits.most": "{{basic.age < 25 ? 1000 : 5000}}" } },
    {
      command: "route",
      name: "product",
      uri: "/product",
      export: { hello: "{{basic.firstname}}", products: { gold: "Gold card", silver: "Silver card" } },
      validate: { product: { rule: "values", values: ["gold", "silver"] } },
    },
    {
      command: "route",
      name: "consent",
      uri: "/consent",
      export: { product: "{{product.product}}" },
      validate: { accepted: { rule: "truefalse" } },
    },
    {
      command: "if",
      condition: "consent.accepted = false",
      do: [{ command: "decision", decision: "declined" }],
    },
    {
      command: "route",
      name: "done",
      uri: "/done",
      terminal: true,
      export: { hello: "{{basic.firstname}} {{basic.lastname}}", product: "{{product.product}}" },
      result: { limit: "{{limits.most}}" },
    },
  ],
});

const base = flowAt(0, SIZE);
const [owner] = base.document.owners as { id: string }[];
const graph = { nodes: [], edges: [] };
const flow: Flow = {
  ...base,
  id: "ffffffffffffffffffbe1000",
  document: { name: NAME, kind: "workflow", graph, type: "ordinary", owners: base.document.owners, workflow: script },
  status: "active",
  statusSeq: 2,
  startId: randomUUID(),
  startedAt: base.createdAt,
  startedBy: owner!.id,
  deadlineAt: null,
  tries: 0,
  createdAt: Date.now(),
  updatedAt: Date.now(),
};

/** Stores the workflow as if it had been started: everybody's name for it leads to the flow. */
export const storing = (): { sql: string; params: unknown[] }[] => [
  insertOf([rowOf(flow)]),
  { sql: "INSERT INTO open_workflows (scope, name, flow_id) VALUES ('', ?, ?)", params: [NAME, flow.id] },
];

/** What an execution holds at one time, and what is answered then. */
export interface Document {
  readonly kept: string;
  readonly shown: string;
}

/** What is held and shown behind the start and behind each submit, as the interpreter itself makes it. */
export async function documents(): Promise<Document[]> {
  const [uuid, routeUuid] = [randomUUID(), randomUUID()];
  const first = await begin(script, { uuid, input, at: Date.now(), routeUuid });
  const states: State[] = [first.state];
  for (const payload of payloads) {
    const state = states.at(-1)!;
    const event = { type: "submit", routeUuid: state.route!.uuid, payload, hash: "", uuid: randomUUID() } as const;
    states.push((await interpret(script, state, { ...event, at: Date.now() })).state);
  }
  return states.map((state, nth) => {
    const view = viewOf(state);
    if (view.kind !== "route" || view.route.uri !== uris[nth]) throw new Error(`No ${uris[nth]}: ${view.kind}`);
    return { kept: JSON.stringify({ script, state }), shown: JSON.stringify(view.route) };
  });
}
