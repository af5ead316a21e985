import type { z } from "zod";

import { MOST_BYTES } from "../platform/http.ts";
import { AppError } from "../platform/errors.ts";
import { checkApi } from "../apis/check.ts";
import { checkWorkflow } from "../workflows/check.ts";
import type { Fault } from "../platform/faults.ts";
import { isRecord } from "../platform/shape.ts";
import { castTo } from "./cast.ts";
import { faultOfCron } from "./cron.ts";
import { finding, findingsOfShape, type Finding } from "./findings.ts";
import { checkGraph } from "./graph.ts";
import { documents, MOST_EDGES, MOST_NODES, MOST_OWNERS, type FlowDocument, type FlowValidation } from "./model.ts";

export type Checked =
  | { ok: true; document: FlowDocument; warnings?: Finding[] }
  | { ok: false; findings: Finding[]; warnings?: Finding[] };

/** Checks a flow as a client would have it stored, owners complete. Tells all that is wrong, in the original's order. */
export function checkFlow(input: unknown, mode: FlowValidation): Checked {
  const unreadable = faultsOfSize(input);
  if (!isRecord(input) || unreadable.length > 0) return { ok: false, findings: unreadable };
  const kind = input["kind"] ?? "integration";
  if (kind === "workflow" || kind === "api") return checkOfKind(kind, input, mode);
  const schema = documents[mode];
  const cast = castTo(schema, { ...input, workflow: undefined, api: undefined }) as Record<string, unknown>;
  const shape = schema.safeParse(cast);
  const graph = checkGraph(cast["graph"]);
  const issues = [...(shape.success ? [] : shape.error.issues), ...withoutNodes(cast["graph"])];
  const findings = [
    ...withMissingEdges(findingsOfShape(issues, cast), graph.missingEdges),
    ...faultsOfStatus(input["status"]),
    ...graph.dangling,
    ...faultsOfCron(cast["cron"]),
    ...graph.structure,
  ];
  if (!shape.success || findings.length > 0) return { ok: false, findings: told(findings) };
  return { ok: true, document: shape.data };
}

/** Only flows of another kind have no steps; zod has no say in that. */
function withoutNodes(graph: unknown): z.core.$ZodIssue[] {
  const isEmpty = isRecord(graph) && Array.isArray(graph["nodes"]) && graph["nodes"].length === 0;
  return isEmpty ? [{ code: "custom", path: ["graph", "nodes"], message: "", input: [] }] : [];
}

const noSteps = { nodes: [], edges: [] };

const checks = {
  workflow: (workflow: unknown) => {
    const checked = checkWorkflow(workflow);
    return checked.ok ? { ...checked, document: { workflow: checked.workflow } } : checked;
  },
  api: (api: unknown) => {
    const checked = checkApi(api);
    return checked.ok ? { ...checked, document: { api: checked.api as FlowDocument["api"] } } : checked;
  },
} as const;

/** A flow that is a script or an API: everything but the graph is checked as usual, and that by its own rules. */
function checkOfKind(
  kind: keyof typeof checks,
  { workflow, api, ...input }: Record<string, unknown>,
  mode: FlowValidation,
): Checked {
  const schema = documents[mode];
  const cast = castTo(schema, { ...input, graph: noSteps }) as Record<string, unknown>;
  const shape = schema.safeParse(cast);
  const own = checks[kind](kind === "api" ? api : workflow);
  const found = (own.ok ? own.warnings : own.faults).map((one) => findingOf(kind, one));
  const warnings = found.filter((one) => one.warning === true);
  const findings = [
    ...(shape.success ? [] : findingsOfShape(shape.error.issues, cast)),
    ...faultsOfStatus(input["status"]),
    ...(hasSteps(input["graph"]) ? [finding("GRAPH_NOT_WANTED", ["graph"], graphNotWanted[kind])] : []),
    ...found.filter((one) => one.warning !== true),
  ];
  if (!shape.success || !own.ok || findings.length > 0) return { ok: false, findings: told(findings), warnings };
  return { ok: true, document: { ...shape.data, ...own.document }, warnings };
}

const graphNotWanted = {
  workflow: "A workflow has commands, and no graph.",
  api: "An API has resources, and no graph.",
} as const;

const hasSteps = (graph: unknown): boolean =>
  isRecord(graph) && Array.isArray(graph["nodes"]) && graph["nodes"].length > 0;

const findingOf = (kind: string, { code, path, message, warning }: Fault): Finding => ({
  ...finding(code, [kind, ...path], message),
  ...(warning === true ? { warning } : {}),
});

const MOST_TOLD = 500;

/** An answer must not become many times as large as what was sent. */
export const told = (findings: Finding[]): Finding[] =>
  findings.length <= MOST_TOLD
    ? findings
    : [
        ...findings.slice(0, MOST_TOLD),
        finding("MORE_FINDINGS", [], `There are ${findings.length - MOST_TOLD} more findings.`),
      ];

/** The lists of a flow, however broken it is, with how long each may be. */
export function listsOf(flow: Record<string, unknown>) {
  const graph = isRecord(flow["graph"]) ? flow["graph"] : {};
  const lists = [
    { path: ["graph", "nodes"], list: graph["nodes"], most: MOST_NODES },
    { path: ["graph", "edges"], list: graph["edges"], most: MOST_EDGES },
    { path: ["owners"], list: flow["owners"], most: MOST_OWNERS },
  ];
  return lists.map(({ list, ...rest }) => ({ ...rest, length: Array.isArray(list) ? list.length : 0 }));
}

/** Whether a flow can be looked into at all: an object whose lists are not so long that even to judge them is a burden. */
function faultsOfSize(input: unknown): Finding[] {
  if (!isRecord(input)) return [finding("WRONG_TYPE", [], "A flow must be a JSON object.")];
  return listsOf(input)
    .filter(({ length, most }) => length > most)
    .map(({ path, length, most }) => {
      return finding("TOO_MANY", path, `There are ${length} ${path.at(-1)}; at most ${most} are possible.`);
    });
}

/** In the original's order the missing edges are told after all nodes and edges and before the owners. */
function withMissingEdges(findings: Finding[], missing: Finding[]): Finding[] {
  const at = findings.findIndex((found) => found.error.startsWith("OWNER_"));
  return at < 0 ? [...findings, ...missing] : findings.toSpliced(at, 0, ...missing);
}

function faultsOfStatus(status: unknown): Finding[] {
  if (!status || status === "inactive") return [];
  const message = "Flow status cannot be set manually. Use the flow start/stop end points instead.";
  return [finding("STATUS_NOT_WRITABLE", ["status"], message)];
}

function faultsOfCron(cron: unknown): Finding[] {
  if (typeof cron !== "string" || cron === "") return [];
  const fault = faultOfCron(cron);
  return fault === undefined ? [] : [finding("CRON_INVALID", ["cron"], "Invalid cron expression.", fault)];
}

/** The stored text of a document that passed. */
export function textOf(document: FlowDocument): string {
  const text = JSON.stringify(document);
  if (new TextEncoder().encode(text).byteLength > MOST_BYTES) {
    throw new AppError("BODY_TOO_LARGE", { detail: `A flow may have at most ${MOST_BYTES} bytes.` });
  }
  return text;
}
