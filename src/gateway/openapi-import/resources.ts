import { MOST_RESOURCES } from "../../apis/model.ts";
import { type DocumentPath, type Fault, fault, shown, warning } from "../../platform/faults.ts";
import { type Claim, idsOf, slugOf } from "./ids.ts";
import { isPlain, own, type Plain, textAt } from "./plain.ts";
import { type Resolved, resolved } from "./references.ts";
import { fitted, shapeOf } from "./template.ts";

export interface ImportedOperation {
  readonly id: string;
  /** In capitals. */
  readonly method: string;
  readonly name?: string;
}

export interface ImportedResource {
  readonly id: string;
  readonly path: string;
  readonly name?: string;
  readonly operations: readonly ImportedOperation[];
}

export interface Imported {
  readonly resources: readonly ImportedResource[];
  /** With a fault among them the resources are not to be used. */
  readonly findings: readonly Fault[];
}

interface OperationDraft {
  readonly path: DocumentPath;
  readonly method: string;
  readonly wanted: string | undefined;
  readonly name: string | undefined;
}

interface Draft {
  readonly template: string;
  readonly path: string;
  readonly name: string | undefined;
  readonly operations: OperationDraft[];
}

const MOST_NAME = 200;
const MOST_KEYS = 20;
const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const taken = [...methods, "summary", "servers"];
const known = new Set([...taken, "$ref", "description", "parameters"]);

/** The resources of a document, in its order, with a finding for everything that is left out or changed. */
export function resourcesOf(document: Plain): Imported {
  const paths = own(document, "paths");
  if (paths !== undefined && !isPlain(paths)) return failed([fault("WRONG_TYPE", ["paths"], "paths is an object.")]);
  const entries = Object.entries(paths ?? {}).filter(([template]) => !isExtension(template));
  if (entries.length === 0) {
    const message = "The document has no paths, so there is nothing to import.";
    return failed([fault("PATHS_REQUIRED", paths === undefined ? [] : ["paths"], message)]);
  }
  if (entries.length > MOST_RESOURCES) {
    const message = `The document has ${entries.length} paths. An API has at most ${MOST_RESOURCES} resources.`;
    return failed([fault("TOO_MANY_PATHS", ["paths"], message)]);
  }
  const { drafts, findings } = draftsOf(document, entries);
  // Where nothing is left, why is what the sender asks.
  if (drafts.length === 0) return failed(findings.map(({ code, path, message }) => fault(code, path, message)));
  return identified(drafts, findings);
}

const failed = (findings: readonly Fault[]): Imported => ({ resources: [], findings });
const isExtension = (key: string): boolean => key.startsWith("x-");

function draftsOf(document: Plain, entries: readonly [string, unknown][]): { drafts: Draft[]; findings: Fault[] } {
  const findings: Fault[] = [];
  const shapes = new Map<string, Draft>();
  for (const [template, value] of entries) {
    const at = ["paths", template];
    const found = itemOf(document, value, at);
    if ("fault" in found) {
      findings.push(found.fault);
      continue;
    }
    const { item } = found;
    const fit = fitted(template);
    if ("message" in fit) {
      findings.push(warning("PATH_UNFIT", at, `The path was left out. ${fit.message}`));
      continue;
    }
    const draft = { template, path: fit.path, name: textAt(item, "summary", MOST_NAME), ...operationsOf(item, at) };
    findings.push(...draft.findings, ...unknownKeys(value as Plain, at));
    if (draft.path !== template) {
      findings.push(warning("PATH_CHANGED", at, `The path of the resource is ${shown(draft.path)}.`));
    }
    const shape = shapeOf(draft.path);
    const other = shapes.get(shape);
    if (other === undefined) shapes.set(shape, draft);
    else findings.push(...joined(other, draft));
  }
  return { drafts: [...shapes.values()], findings };
}

const itemOf = (document: Plain, value: unknown, at: DocumentPath): Resolved =>
  isPlain(value)
    ? resolved(document, value, at, taken)
    : { fault: fault("WRONG_TYPE", at, "A path item is an object.") };

function operationsOf(item: Plain, at: DocumentPath): { operations: OperationDraft[]; findings: Fault[] } {
  const findings: Fault[] = [];
  const operations = methods.flatMap((key): OperationDraft[] => {
    const operation = own(item, key);
    if (operation === undefined) return [];
    const path = [...at, key];
    if (!isPlain(operation)) {
      findings.push(fault("WRONG_TYPE", path, "An operation is an object."));
      return [];
    }
    findings.push(...serversOf(operation, path));
    const wanted = textAt(operation, "operationId", 200);
    return [{ path, method: key.toUpperCase(), wanted, name: textAt(operation, "summary", MOST_NAME) }];
  });
  findings.push(...serversOf(item, at));
  if (operations.length === 0) findings.push(warning("NO_OPERATIONS", at, "The path has no operations."));
  return { operations, findings };
}

const unknownKeys = (item: Plain, at: DocumentPath): Fault[] =>
  Object.keys(item)
    .filter((key) => !known.has(key) && !isExtension(key))
    .slice(0, MOST_KEYS)
    .map((key) => {
      const message = `${shown(key)} was left out. A path item has ${methods.join(", ")}, in small letters.`;
      return warning("KEY_UNKNOWN", [...at, key], message);
    });

function serversOf(place: Plain, at: DocumentPath): Fault[] {
  if (own(place, "servers") === undefined) return [];
  return [warning("SERVERS", [...at, "servers"], "Servers of its own were left out. Set a destination at this level.")];
}

/** OpenAPI has no two paths of one shape, but documents do; the gateway has one resource for both. */
function joined(resource: Draft, { template, operations }: Draft): Fault[] {
  const here = new Set(resource.operations.map(({ method }) => method));
  resource.operations.push(...operations.filter(({ method }) => !here.has(method)));
  const message = `The path matches what ${shown(resource.template)} does. Its operations were put there.`;
  return [
    warning("PATH_TWICE", ["paths", template], message),
    ...operations
      .filter(({ method }) => here.has(method))
      .map(({ path }) => warning("OPERATION_TWICE", path, `${shown(resource.template)} has it. It was left out.`)),
  ];
}

function identified(drafts: readonly Draft[], findings: readonly Fault[]): Imported {
  const ids = idsOf(drafts.map(({ path }) => ({ slug: slugOf(path), key: path })));
  const claimed = drafts.flatMap(({ path, operations }) => operations.map((operation) => claimOf(path, operation)));
  const operationIds = idsOf(claimed);
  const renamed: Fault[] = [];
  let next = 0;
  const resources = drafts.map(({ path, name, operations }, index) => ({
    id: ids[index]!,
    path,
    ...named(name),
    operations: operations.map((operation) => {
      const id = operationIds[next]!;
      next += 1;
      if (operation.wanted !== undefined && operation.wanted !== id) {
        const message = `The operationId cannot be the id, or is there twice. The id is ${id}.`;
        renamed.push(warning("OPERATION_ID", [...operation.path, "operationId"], message));
      }
      return { id, method: operation.method, ...named(operation.name) };
    }),
  }));
  return { resources, findings: [...findings, ...renamed] };
}

const named = (name: string | undefined) => (name === undefined ? {} : { name });
const claimOf = (path: string, { method, wanted }: OperationDraft): Claim => ({
  wanted,
  slug: `${method.toLowerCase()}-${slugOf(path)}`,
  key: `${method} ${path}`,
});
