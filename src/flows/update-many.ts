import type { Context } from "../identity/context.ts";
import { errorItem, type ErrorItem } from "../platform/errors.ts";
import { bytesOf } from "../messages/model.ts";
import { isRecord } from "./cast.ts";
import { MOST_ANSWERED, refusedItem, requireFew, requireFewEntries, unlessAllFailed } from "./many.ts";
import type { Flow } from "./model.ts";
import { updateFlow } from "./update.ts";

export type Updated = Flow | { errors: ErrorItem[] };

/** Makes the edits one after another and answers each in its place; one that fails does not hold up the others. */
export async function updateFlows(ctx: Context, body: unknown): Promise<Updated[]> {
  const edits: unknown[] = Array.isArray(body) ? body : [body];
  requireFew(edits);
  requireFewEntries(edits);
  const results: Updated[] = [];
  let bytes = 0;
  for (const edit of edits) {
    const result = bytes > MOST_ANSWERED ? { errors: [tooMuch(edit)] } : await updateOne(ctx, edit);
    bytes += bytesOf(JSON.stringify(result));
    results.push(result);
  }
  return unlessAllFailed(results);
}

const tooMuch = (edit: unknown): ErrorItem => {
  const message = "The flows of this request are too large to be answered together. Send this edit in another request.";
  return errorItem("BODY_TOO_LARGE", { message, ...(isRecord(edit) ? { flowId: edit["id"] ?? null } : {}) });
};

async function updateOne(ctx: Context, edit: unknown): Promise<Updated> {
  if (!isRecord(edit)) return { errors: [errorItem("INVALID_BODY", { message: "An edit must be a JSON object." })] };
  const { id } = edit;
  if (typeof id !== "string") return { errors: [errorItem("INVALID_ID", { pointer: "/id", flowId: id ?? null })] };
  try {
    return await updateFlow(ctx, { id, body: edit });
  } catch (error) {
    const { errors } = refusedItem(ctx.config, error, id);
    return { errors: errors.map((item) => ({ ...item, message: named(item.message, id) })) };
  }
}

/** In answers about several flows the original names the flow in these sentences. */
const named = (message: string, id: string): string =>
  message.replace(/^Flow (?=not found|is not inactive)/, `Flow ${id} `);
