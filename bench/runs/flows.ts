/** The flows whose runs are measured, and what is sent to their hooks. */
import { randomUUID } from "node:crypto";

import { rowOf, insertOf } from "../data.ts";
import { flowAt, type Flow } from "../dataset.ts";

/** Of the data set; what is measured does not depend on how many other flows there are. */
export const SIZE = 1000;

export interface Measured {
  /** As the bare Worker knows it: `orders`, or `chain-` and the number of steps. */
  readonly name: string;
  /** Steps behind the trigger. */
  readonly steps: number;
  readonly flow: Flow;
}

interface Node {
  readonly id: string;
  readonly componentId: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const hook: Node = { id: "receive", componentId: "webhook", fields: { sync: true } };
const pushTo = (url: string): Node => ({ id: "push", componentId: "http", fields: { method: "POST", url } });

/** The five steps of `npm run demo -- integration`. */
const ordersTo = (target: string): Node[] => [
  {
    id: "mark",
    componentId: "transform",
    fields: { expression: '{ "shop": "north", "received": $now() }', into: "metadata.origin" },
  },
  { id: "large", componentId: "filter", fields: { condition: "data.amount >= 100" } },
  {
    id: "shape",
    componentId: "transform",
    fields: { expression: '{ "order": data.id, "total": data.amount, "source": metadata.origin.shop }' },
  },
  pushTo(target),
  {
    id: "note",
    componentId: "log",
    fields: { message: "The target answered {{metadata.response.status}} for order {{data.stored}}." },
  },
];

/** So many steps in a line: transformations, and a call at the end. */
const chainTo = (target: string, length: number): Node[] => [
  ...Array.from({ length: length - 1 }, (_, nth): Node => {
    const expression = '{ "id": data.id, "amount": data.amount, "hops": data.hops + 1 }';
    return { id: `hop-${nth + 1}`, componentId: "transform", fields: { expression } };
  }),
  pushTo(target),
];

function flowOf(nth: number, name: string, steps: readonly Node[]): Measured {
  const nodes = [hook, ...steps].map((node) => ({ ...node, name: node.id }));
  const edges = steps.map(({ id }, index) => ({ source: nodes[index]!.id, target: id }));
  const { owners } = flowAt(0, SIZE).document;
  const base = flowAt(0, SIZE);
  const id = (0xbe0000 + nth).toString(16).padStart(24, "f");
  const document = { name, graph: { nodes, edges }, type: "ordinary", owners };
  const createdAt = Date.now() + nth;
  const state = { status: "active", statusSeq: 2, startId: randomUUID(), startedAt: createdAt } as const;
  const started = { startedBy: (owners as { id: string }[])[0]!.id, deadlineAt: null, tries: 0 };
  const flow: Flow = { ...base, id, document, ...state, ...started, createdAt, updatedAt: createdAt };
  return { name, steps: steps.length, flow };
}

export const ordersFlow = (target: string): Measured => flowOf(0, "orders", ordersTo(target));
export const chainFlow = (target: string, length: number): Measured =>
  flowOf(length, `chain-${length}`, chainTo(target, length));

/** Stores flows as if they had been started. */
export const storing = (flows: readonly Measured[]) => flows.map(({ flow }) => insertOf([rowOf(flow)]));

export const order = (nth: number, amount = 100 + (nth % 400)): object => ({
  id: `A-${nth}`,
  amount,
  customer: `Customer ${nth % 50}`,
  hops: 0,
});

/** Who runs the steps: the product, or plain code in one of its forms. */
export const sides = ["product", "bare", "durable", "listed"] as const;
export type Side = (typeof sides)[number];

export const workerOf = (side: Side): string => (side === "product" ? "product" : "runs");

export const pathOf = (side: Side, { name, flow }: Measured): string =>
  side === "product" ? `/hook/${flow.id}` : `/${side}/${name}/${flow.id}`;

export function wireTo(path: string, body: object): string {
  const text = JSON.stringify(body);
  const head = `POST ${path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json`;
  return `${head}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** Under which flow the list of runs shows what a side ran; undefined if it lists nothing. */
export const listedUnder = (side: Side, { flow }: Measured): string | undefined =>
  ({ product: flow.id, listed: `listed-${flow.id}`, bare: undefined, durable: undefined })[side];
