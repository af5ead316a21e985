import type { FlowDocument } from "../flows/model.ts";

/** A graph in the form in which it is walked: every step with the edges that leave it. */
export interface Plan {
  readonly steps: ReadonlyMap<string, PlannedStep>;
  /** The first step that is nobody's target: where a payload begins if nothing else is said. */
  readonly entry: string | undefined;
  /** How far from the beginning a step is. */
  readonly ranks: ReadonlyMap<string, number>;
}

export interface PlannedStep {
  readonly id: string;
  /** Empty for a step that passes on what it gets. */
  readonly component: string;
  readonly function: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly secret: string | undefined;
  readonly edges: readonly PlannedEdge[];
  /** Whether a message can come back to the step. */
  readonly isInLoop: boolean;
}

export interface PlannedEdge {
  readonly id: string | undefined;
  readonly target: string;
  /** Expression under which a message passes. */
  readonly condition: string | undefined;
  /** Expression, or an object of expressions, that makes the data of the message that passes. */
  readonly mapper: unknown;
}

type Graph = Pick<FlowDocument, "graph">["graph"];

export function planOf(graph: Graph): Plan {
  // What comes back was somewhere before.
  const targets = new Set(graph.edges.filter(({ config }) => config?.loop !== true).map(({ target }) => target));
  const leaving = Map.groupBy(graph.edges, ({ source }) => source);
  const loops = stepsInLoops(graph);
  const steps = graph.nodes.map((node): PlannedStep => ({
    id: node.id,
    component: node.componentId ?? "",
    function: node.function ?? undefined,
    fields: recordIn(node.fields),
    settings: recordIn(node.nodeSettings),
    secret: node.credentials_id ?? undefined,
    isInLoop: loops.has(node.id),
    edges: (leaving.get(node.id) ?? []).map((edge) => ({
      id: edge.id ?? undefined,
      target: edge.target,
      condition: edge.config?.condition || undefined,
      mapper: edge.config?.mapper ?? undefined,
    })),
  }));
  // As the original's orchestrator has it: several steps without any edge have no beginning.
  const entry = steps.length > 1 && graph.edges.length === 0 ? undefined : steps.find(({ id }) => !targets.has(id))?.id;
  const byId = new Map(steps.map((step) => [step.id, step]));
  return { steps: byId, entry, ranks: ranksOf(byId) };
}

/** The length of the longest way to each step, ways round not counted. */
function ranksOf(steps: Plan["steps"]): Map<string, number> {
  const ranks = new Map<string, number>([...steps.keys()].map((id) => [id, 0]));
  const waiting = new Map<string, number>();
  const edges = [...steps.values()].flatMap((step) => step.edges.map(({ target }) => [step.id, target] as const));
  for (const [, target] of edges) waiting.set(target, (waiting.get(target) ?? 0) + 1);
  const free = [...steps.keys()].filter((id) => !waiting.has(id));
  for (let id = free.shift(); id !== undefined; id = free.shift()) {
    for (const { target } of steps.get(id)!.edges) {
      if (!steps.has(target)) continue;
      ranks.set(target, Math.max(ranks.get(target)!, ranks.get(id)! + 1));
      const left = waiting.get(target)! - 1;
      waiting.set(target, left);
      if (left === 0) free.push(target);
    }
  }
  return ranks;
}

const recordIn = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

/** Where a trigger of this kind hands over: the first step of that component, else the entry. */
export function firstStepFor(plan: Plan, trigger: string): string | undefined {
  for (const step of plan.steps.values()) if (step.component === trigger) return step.id;
  return plan.entry;
}

/** What stays when steps that lead nowhere or come from nowhere are taken away again and again. */
function stepsInLoops({ nodes, edges }: Graph): ReadonlySet<string> {
  const left = new Set(nodes.map(({ id }) => id));
  for (const [from, to] of [
    ["source", "target"],
    ["target", "source"],
  ] as const) {
    const next = Map.groupBy(edges, (edge) => edge[from]);
    const waiting = new Map<string, number>();
    for (const edge of edges) {
      if (left.has(edge[from])) waiting.set(edge[to], (waiting.get(edge[to]) ?? 0) + 1);
    }
    const free = [...left].filter((id) => !waiting.has(id));
    for (let id = free.pop(); id !== undefined; id = free.pop()) {
      left.delete(id);
      for (const edge of next.get(id) ?? []) {
        const count = waiting.get(edge[to])! - 1;
        waiting.set(edge[to], count);
        if (count === 0 && left.has(edge[to])) free.push(edge[to]);
      }
    }
  }
  return left;
}
