import { checkApi } from "../apis/check.ts";
import { faultOfBase } from "../apis/match.ts";
import type { Api, Flows, Scope } from "../apis/model.ts";
import { savedFlows } from "../apis/scopes.ts";
import { createFlow } from "../flows/create.ts";
import type { Context } from "../identity/context.ts";
import { AppError, errorItem, statusOf } from "../platform/errors.ts";
import { type Answer, limitedText, MOST_BYTES } from "../platform/http.ts";
import { invalidApi } from "./api-findings.ts";
import { overviewAnswer } from "./describe.ts";
import { type DraftEdit, editDraft, getApi } from "./drafts.ts";
import { removeFlow } from "./inheritance.ts";
import { type ImportedApi, importOpenApi } from "./openapi-import.ts";
import { wordsOf } from "./scope-view.ts";

const types = new Set([
  "application/json",
  "application/yaml",
  "application/x-yaml",
  "text/yaml",
  "text/x-yaml",
  "text/plain",
]);

/** The text of a document that was sent, whatever of the types it is. */
export async function importedText(request: Request): Promise<string> {
  const [essence = ""] = (request.headers.get("content-type") ?? "").toLowerCase().split(";", 1);
  const [text] = await limitedText(request, MOST_BYTES);
  if (text.trim() === "") {
    throw new AppError("INVALID_BODY", { message: "An OpenAPI document is required as the body." });
  }
  if (!types.has(essence.trim())) {
    const message = "The body must be an OpenAPI document, as JSON or YAML in UTF-8.";
    throw new AppError("UNSUPPORTED_MEDIA_TYPE", { message, detail: `Send one of ${[...types].join(", ")}.` });
  }
  return text;
}

export interface Importing {
  readonly text: string;
  /** Where the API shall stand; as the document says if missing. */
  readonly basePath?: string | undefined;
  readonly name?: string | undefined;
}

/** Makes a flow of kind api from an OpenAPI document. */
export async function importApi(ctx: Context, { text, basePath, name }: Importing): Promise<Answer> {
  const imported = read(text);
  const misplaced = basePath === undefined ? undefined : faultOfBase(basePath);
  if (misplaced !== undefined) {
    const message = "Invalid basePath parameter";
    throw new AppError("INVALID_PARAMETER", { message, parameter: "basePath", detail: misplaced });
  }
  const api = {
    basePath: basePath ?? imported.basePath,
    resources: imported.resources,
    ...(imported.destination && { flows: { all: { destination: imported.destination }, resources: {} } }),
  };
  const checked = checkApi(api);
  if (!checked.ok) throw invalidApi(checked.faults);
  const { description } = imported;
  const flow = { kind: "api", name: name ?? imported.name, ...(description && { description }), api: checked.api };
  const created = await createFlow(ctx, flow);
  const state = await getApi(ctx, created.about![0]!);
  return overviewAnswer(state, 201, { warnings: imported.warnings });
}

/** Has the resources of a draft replaced by those of an OpenAPI document. */
export async function importInto(ctx: Context, { id, ifMatch }: DraftEdit, text: string): Promise<Answer> {
  const imported = read(text);
  let removed: readonly Scope[] = [];
  const state = await editDraft(ctx, { id, ifMatch }, ({ api }) => {
    const fitted = fittedTo(api.flows, imported.resources);
    removed = fitted.removed;
    return { ...api, resources: imported.resources, flows: fitted.flows };
  });
  return overviewAnswer(state, 200, { warnings: imported.warnings, removed: removed.map(wordsOf) });
}

function read(text: string): ImportedApi {
  const imported = importOpenApi(text, { mostBytes: MOST_BYTES });
  if (imported.ok) return imported;
  const { faults } = imported;
  const items = faults.map(({ code, pointer, message }) => ({
    ...errorItem("INVALID_IMPORT", { message, pointer }),
    error: code,
    code: statusOf("INVALID_IMPORT"),
  }));
  throw new AppError("INVALID_IMPORT", { items });
}

/** Flows without those of resources and operations that are there no more, and whose those were. */
export function fittedTo(flows: Flows, resources: ImportedApi["resources"] | Api["resources"]) {
  const operations = new Map(resources.map((one) => [one.id, new Set(one.operations.map(({ id }) => id))]));
  const isThere = ({ resource, operation }: Scope) =>
    resource === undefined ||
    (operation === undefined ? operations.has(resource) : operations.get(resource)?.has(operation) === true);
  const removed = savedFlows(flows)
    .map(({ scope }) => scope)
    .filter((scope) => !isThere(scope));
  return { flows: removed.reduceRight((sofar, scope) => removeFlow(sofar, scope), flows), removed };
}
