import { faultsOfFields, faultsOfMapped, isBuiltIn, type FieldFault } from "../components/check.ts";
import { mappedId, type MappedComponent } from "../components/model.ts";
import { RetrySettings } from "../connectors/retry.ts";
import { faultOf } from "../expressions/evaluate.ts";
import { faultsOfMapper } from "../expressions/template.ts";
import { isRecord } from "../platform/shape.ts";
import { faultOfCron } from "./cron.ts";
import { finding, pointerOf, type Finding } from "./findings.ts";
import { recordsIn } from "./graph.ts";

export type Mapped = ReadonlyMap<string, MappedComponent>;
type Entry = Record<string, unknown>;
type Path = readonly PropertyKey[];

/** Ids that steps name as their component, in the form in which they are mapped. */
export const mappedIdsIn = (flow: unknown): string[] =>
  nodesOf(flow).flatMap((node) => {
    const component = node?.["componentId"];
    return typeof component === "string" && mappedId.test(component) ? [component.toLowerCase()] : [];
  });

/**
 * What keeps a flow from running here, beside what keeps it from being stored. Takes anything, so that it finds what it
 * can in a broken flow too. A warning tells what does not keep it, but is surely not meant.
 */
export function findingsOfRunning(flow: unknown, mapped: Mapped): Finding[] {
  const hasCron = isRecord(flow) && typeof flow["cron"] === "string" && flow["cron"] !== "";
  const ofNodes = nodesOf(flow).flatMap((node, index) => {
    if (node === undefined) return [];
    const path = ["graph", "nodes", index];
    return [...ofComponent(node, path, mapped, hasCron), ...ofSettings(node["nodeSettings"], path)];
  });
  const edges = recordsIn(isRecord(flow) && isRecord(flow["graph"]) ? flow["graph"]["edges"] : undefined);
  return [...ofNodes, ...edges.flatMap((edge, index) => ofEdge(edge?.["config"], ["graph", "edges", index, "config"]))];
}

const nodesOf = (flow: unknown): (Entry | undefined)[] =>
  recordsIn(isRecord(flow) && isRecord(flow["graph"]) ? flow["graph"]["nodes"] : undefined);

function ofComponent(node: Entry, path: Path, mapped: Mapped, hasCron: boolean): Finding[] {
  const component = node["componentId"];
  if (typeof component !== "string" || component === "") return [];
  if (isBuiltIn(component)) {
    // A schedule without an expression of its own runs by that of the flow.
    if (component === "schedule" && hasCron && given(node)["cron"] === undefined) return [];
    const cron = component === "schedule" ? faultsOfSchedule(given(node)["cron"]) : [];
    return ofFields(node, path, [...faultsOfFields(component, given(node)), ...cron]);
  }
  const remote = mapped.get(component.toLowerCase());
  if (remote === undefined) return [unknownComponent(component, [...path, "componentId"])];
  const { function: named } = node;
  const known = remote.functions.map(({ name }) => name);
  const isKnown = known.length === 0 || known.some((name) => name === named);
  return [
    ...(isKnown ? [] : [unknownFunction(remote.name, known, [...path, "function"])]),
    ...ofFields(node, path, faultsOfMapped(remote, typeof named === "string" ? named : undefined, given(node))),
  ];
}

const given = ({ fields }: Entry): Entry => (isRecord(fields) ? fields : {});

const faultsOfSchedule = (cron: unknown): FieldFault[] => {
  const fault = typeof cron === "string" ? faultOfCron(cron) : undefined;
  return fault === undefined ? [] : [{ path: ["cron"], message: "Invalid cron expression.", detail: fault }];
};

function ofFields({ fields }: Entry, path: Path, faults: readonly FieldFault[]): Finding[] {
  const at = [...path, "fields"];
  const isUnread = fields !== undefined && fields !== null && !isRecord(fields);
  return [
    ...(isUnread ? [warning(finding("FIELDS_INVALID", at, "Fields that are no object are left unread."))] : []),
    ...faults.map(({ path: below, message, detail, isHarmless }) => {
      const found = finding("FIELDS_INVALID", [...at, ...below], message, detail);
      return isHarmless ? warning(found) : found;
    }),
  ];
}

function unknownComponent(component: string, path: Path): Finding {
  const detail = mappedId.test(component)
    ? "An admin maps it with PUT /components/{id}."
    : "GET /components lists those that there are.";
  return finding("COMPONENT_UNKNOWN", path, `Unknown component: ${component.slice(0, 100)}.`, detail);
}

const unknownFunction = (component: string, known: readonly string[], path: Path): Finding =>
  warning(
    finding(
      "FUNCTION_UNKNOWN",
      path,
      `The component ${component} does not tell of this function.`,
      `It tells of ${known.slice(0, 20).join(", ")}.`,
    ),
  );

function ofSettings(settings: unknown, node: Path): Finding[] {
  if (!isRecord(settings)) return [];
  const path = [...node, "nodeSettings"];
  const { retry, applyTransform } = settings;
  const parsed = retry === undefined ? undefined : RetrySettings.safeParse(retry);
  const ofRetry = parsed?.error?.issues ?? [];
  const names = [
    ...(applyTransform === "before" || applyTransform === "after" || applyTransform === "both"
      ? ["transformFunction"]
      : []),
    ...(applyTransform === "both" ? ["secondTransformFunction"] : []),
  ];
  return [
    // What is not understood has its default.
    ...ofRetry.map(({ path: below, message }) =>
      warning(finding("SETTINGS_INVALID", [...path, "retry", ...below], message, "Its default is used.")),
    ),
    ...names.flatMap((name) => ofExpression("SETTINGS_INVALID", settings[name], [...path, name])),
  ];
}

function ofEdge(config: unknown, path: Path): Finding[] {
  if (!isRecord(config)) return [];
  const { condition, mapper } = config;
  const ofMapper = mapper === undefined || mapper === null ? [] : faultsOfMapper(mapper);
  return [
    ...ofExpression("CONDITION_INVALID", condition, [...path, "condition"]),
    ...ofMapper.map(({ pointer, message }) => ({
      ...finding("MAPPER_INVALID", [], message),
      pointer: `${pointerOf([...path, "mapper"])}${pointer}`,
    })),
  ];
}

function ofExpression(error: string, text: unknown, path: Path): Finding[] {
  const fault = typeof text === "string" && text !== "" ? faultOf(text) : undefined;
  return fault === undefined ? [] : [finding(error, path, fault)];
}

const warning = (found: Finding): Finding => ({ ...found, warning: true });
