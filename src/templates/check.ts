import { isRecord } from "../platform/shape.ts";
import { checkFlow } from "../flows/check.ts";
import { finding, pointerOf, type Finding } from "../flows/findings.ts";
import { recordsIn } from "../flows/graph.ts";
import type { FlowDocument, FlowValidation } from "../flows/model.ts";
import { faultOfSchema } from "../flows/value-schema.ts";
import { faultsOfValue } from "../flows/values.ts";
import { variableIn, variableName, Variable, type Variables } from "../flows/variables.ts";
import { templateStatuses } from "../db/schema.ts";
import { toObjectId } from "../platform/ids.ts";
import { authTypes, MOST_VARIABLES, type TemplateDocument, type TemplateStatus } from "./model.ts";

export type CheckedTemplate =
  | { ok: true; document: TemplateDocument; status: TemplateStatus | undefined }
  | { ok: false; findings: Finding[] };

/** Stands for the secrets of instances while the rest of the graph is checked. */
const SOME_SECRET = "0".repeat(24);

/** Checks a template: as a flow, and what only templates have. Tells all that is wrong. */
export function checkTemplate(input: unknown, mode: FlowValidation): CheckedTemplate {
  const sent = isRecord(input) ? input : {};
  const { status, variables, sourceTemplate, ...rest } = sent;
  const nodes = recordsIn(isRecord(rest["graph"]) ? rest["graph"]["nodes"] : undefined);
  const plain = { ...rest, graph: withoutReferences(rest["graph"]), ...none };
  const checked = checkFlow(isRecord(input) ? plain : input, mode);
  const known = isRecord(variables) ? variables : {};
  const findings = [
    ...(checked.ok ? [] : checked.findings.map(renamed)),
    ...faultsOfStatus(status),
    ...faultsOfSource(sourceTemplate),
    ...faultsOfVariables(variables),
    ...nodes.flatMap((node, index) => (node === undefined ? [] : faultsOfNode(node, index, known))),
  ];
  if (!checked.ok || findings.length > 0) return { ok: false, findings: findings.slice(0, MOST_TOLD) };
  const { fromTemplate: _, instance: __, values: ___, ...document } = checked.document;
  const source = toObjectId(sourceTemplate);
  return {
    ok: true,
    status: statusIn(status),
    document: {
      ...document,
      graph: { ...document.graph, nodes: document.graph.nodes.map((step, at) => ofTemplate(step, nodes[at]!)) },
      ...(source === undefined ? {} : { sourceTemplate: source }),
      ...(isRecord(variables) ? { variables: cast(variables) } : {}),
    },
  };
}

const MOST_TOLD = 500;
const none = { fromTemplate: undefined, instance: undefined, values: undefined };

function withoutReferences(graph: unknown): unknown {
  if (!isRecord(graph) || !Array.isArray(graph["nodes"])) return graph;
  const nodes = graph["nodes"].map((node: unknown) =>
    isRecord(node) && variableIn(node["credentials_id"]) !== undefined
      ? { ...node, credentials_id: SOME_SECRET }
      : node,
  );
  return { ...graph, nodes };
}

/** The step with what flows do not have. */
function ofTemplate(step: FlowDocument["graph"]["nodes"][number], sent: Record<string, unknown>) {
  const { tenant, authorization, credentials_id: credentials } = sent;
  const { authType, authClientId } = isRecord(authorization) ? authorization : {};
  return {
    ...step,
    ...(variableIn(credentials) === undefined ? {} : { credentials_id: credentials as string }),
    ...(typeof tenant === "string" ? { tenant } : {}),
    ...(isRecord(authorization)
      ? {
          authorization: {
            ...(authType === undefined ? {} : { authType: authType as (typeof authTypes)[number] }),
            ...(typeof authClientId === "string" ? { authClientId } : {}),
          },
        }
      : {}),
  };
}

/** The original's sentences name what it is about. */
const renamed = (found: Finding): Finding => ({
  ...found,
  message: found.message.replace(/^Flow(s?) (?!edges|with)/, "Flow Template$1 "),
});

const statusIn = (status: unknown): TemplateStatus | undefined => {
  const named = status === 1 || status === "1" ? "published" : status === 0 || status === "0" ? "draft" : status;
  return templateStatuses.find((one) => one === named);
};

function faultsOfStatus(status: unknown): Finding[] {
  if (status === undefined || status === null || statusIn(status) !== undefined) return [];
  return [finding("STATUS_UNKNOWN", ["status"], "A template is draft or published.")];
}

function faultsOfSource(source: unknown): Finding[] {
  if (source === undefined || source === null || toObjectId(source) !== undefined) return [];
  return [finding("WRONG_TYPE", ["sourceTemplate"], "Expected are 24 hexadecimal digits.")];
}

function faultsOfNode(node: Record<string, unknown>, index: number, variables: Record<string, unknown>): Finding[] {
  const path = ["graph", "nodes", index];
  const name = variableIn(node["credentials_id"]);
  const { authorization } = node;
  const authType = isRecord(authorization) ? authorization["authType"] : undefined;
  const unknownType = authType !== undefined && authType !== null && !authTypes.includes(authType as "MIXED");
  const variable = name === undefined ? undefined : variables[name];
  const isSecret = isRecord(variable) && variable["secret"] === true;
  const at = [...path, "credentials_id"];
  return [
    ...(name !== undefined && !isSecret
      ? [finding("VARIABLE_UNKNOWN", at, `The template has no secret variable ${name}.`)]
      : []),
    ...(unknownType
      ? [finding("WRONG_TYPE", [...path, "authorization", "authType"], `Use one of ${authTypes.join(", ")}.`)]
      : []),
  ];
}

function faultsOfVariables(variables: unknown): Finding[] {
  const at = ["variables"];
  if (variables === undefined || variables === null) return [];
  if (!isRecord(variables)) return [finding("WRONG_TYPE", at, "Variables are an object by their names.")];
  const count = Object.keys(variables).length;
  if (count > MOST_VARIABLES) return [finding("TOO_MANY", at, `A template has at most ${MOST_VARIABLES} variables.`)];
  return Object.entries(variables).flatMap(([name, variable]) => faultsOfVariable(name, variable));
}

function faultsOfVariable(name: string, sent: unknown): Finding[] {
  const at = ["variables", name];
  if (!variableName.test(name)) {
    const detail = "Use a letter, then letters, digits and _; at most 64 characters.";
    return [finding("VARIABLE_INVALID", at, "This is no name of a variable.", detail)];
  }
  const parsed = Variable.safeParse(sent);
  if (!parsed.success) {
    return parsed.error.issues.map(({ path, message }) => finding("VARIABLE_INVALID", [...at, ...path], message));
  }
  const { schema, default: initial, secret } = parsed.data;
  const fault = schema === undefined ? undefined : faultOfSchema(schema);
  if (fault !== undefined) return [finding("SCHEMA_INVALID", [...at, "schema"], "The schema cannot be used.", fault)];
  if (initial === undefined || initial === null) return [];
  if (secret === true) {
    const message = "A secret has no default: every instance brings its own.";
    return [finding("DEFAULT_INVALID", [...at, "default"], message)];
  }
  return faultsOfValue(parsed.data, initial, [...at, "default"]).map(({ detail, pointer }) => ({
    ...finding("DEFAULT_INVALID", [], "The default does not fit the schema.", detail),
    pointer: pointer ?? pointerOf(at),
  }));
}

const cast = (variables: Record<string, unknown>): Variables =>
  Object.fromEntries(Object.entries(variables).map(([name, variable]) => [name, Variable.parse(variable)]));
