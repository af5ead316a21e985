import { isRecord } from "../platform/shape.ts";
import { finding, type Finding } from "./findings.ts";

export const recordsIn = (value: unknown): (Record<string, unknown> | undefined)[] =>
  Array.isArray(value) ? value.map((entry: unknown) => (isRecord(entry) ? entry : undefined)) : [];

/** What can only be seen of the graph as a whole. Takes anything, so that it finds what it can in a broken graph too. */
export function checkGraph(graph: unknown): { missingEdges: Finding[]; dangling: Finding[]; structure: Finding[] } {
  const { nodes, edges } = isRecord(graph)
    ? { nodes: recordsIn(graph["nodes"]), edges: recordsIn(graph["edges"]) }
    : none;
  const missingEdges =
    nodes.length > 1 && edges.length === 0
      ? [finding("EDGES_REQUIRED", ["graph", "edges"], "Flows with more than one node require edges.")]
      : [];
  return {
    missingEdges,
    dangling: danglingEdges(nodes, edges),
    structure: [...repeatedIds(nodes), ...cycles(nodes, edges)],
  };
}

type Entry = Record<string, unknown> | undefined;
const none = { nodes: [] as Entry[], edges: [] as Entry[] };

function danglingEdges(nodes: Entry[], edges: Entry[]): Finding[] {
  const ids = new Set(nodes.map((node) => node?.["id"]));
  return edges.flatMap((edge, index) =>
    (["source", "target"] as const)
      .filter((end) => edge !== undefined && !ids.has(edge[end]))
      .map((end) =>
        finding(
          end === "source" ? "EDGE_SOURCE_UNKNOWN" : "EDGE_TARGET_UNKNOWN",
          ["graph", "edges", index, end],
          `Edge ${end} with id "${shown(edge?.[end])}" could not be found among nodes.`,
        ),
      ),
  );
}

/** A value that is not even text may have no text. */
const shown = (id: unknown): string =>
  typeof id === "object" && id !== null ? JSON.stringify(id).slice(0, 100) : String(id);

function repeatedIds(nodes: Entry[]): Finding[] {
  const seen = new Set<unknown>();
  return nodes.flatMap((node, index) => {
    const id = node?.["id"];
    if (typeof id !== "string" || id === "") return [];
    if (!seen.has(id)) {
      seen.add(id);
      return [];
    }
    return [finding("NODE_ID_REPEATED", ["graph", "nodes", index, "id"], `Node id "${id}" is used more than once.`)];
  });
}

/** Each edge that closes a way round is told, with that way; at most twenty of them. Edges that loop may close one. */
function cycles(nodes: Entry[], edges: Entry[]): Finding[] {
  const targets = new Map<string, { to: string; edge: number }[]>();
  for (const [index, edge] of edges.entries()) {
    const { source, target, config } = edge ?? {};
    if (typeof source !== "string" || typeof target !== "string") continue;
    if (isRecord(config) && config["loop"] === true) continue;
    const known = targets.get(source);
    if (known) known.push({ to: target, edge: index });
    else targets.set(source, [{ to: target, edge: index }]);
  }
  const found: Finding[] = [];
  const done = new Set<string>();
  for (const node of nodes) {
    const id = node?.["id"];
    if (typeof id === "string" && !done.has(id)) walkFrom(id, targets, done, found);
  }
  return found;
}

const MOST_CYCLES = 20;
const MOST_NAMED = 100;

function cycle(ids: readonly string[], edge: number): Finding {
  const named = ids.length <= MOST_NAMED ? ids : [...ids.slice(0, MOST_NAMED), "…", ids.at(-1)];
  const message = `Edges form a cycle: ${named.join(" -> ")}.`;
  return finding("GRAPH_CYCLE", ["graph", "edges", edge], message, "Remove one of these edges.");
}

/** Depth first without recursion: a graph may be one long way. */
function walkFrom(
  start: string,
  targets: Map<string, { to: string; edge: number }[]>,
  done: Set<string>,
  found: Finding[],
): void {
  const path = [{ id: start, next: 0 }];
  const position = new Map([[start, 0]]);
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const step = targets.get(top.id)?.[top.next];
    if (step === undefined) {
      done.add(top.id);
      position.delete(top.id);
      path.pop();
      continue;
    }
    top.next += 1;
    const back = position.get(step.to);
    if (back !== undefined) {
      if (found.length < MOST_CYCLES) {
        found.push(cycle([...path.slice(back).map((entry) => entry.id), step.to], step.edge));
      }
    } else if (!done.has(step.to)) {
      position.set(step.to, path.length);
      path.push({ id: step.to, next: 0 });
    }
  }
}
