import type { Context } from "../identity/context.ts";
import { AppError, errorItem, type ErrorItem } from "../platform/errors.ts";
import { isRecord } from "./cast.ts";
import { requireFew } from "./many.ts";
import type { Flow } from "./model.ts";
import { updateFlow } from "./update.ts";

export type Updated = Flow | { errors: ErrorItem[] };

/** Makes the edits one after another and answers each in its place; one that fails does not hold up the others. */
export async function updateFlows(ctx: Context, body: unknown): Promise<Updated[]> {
  const edits: unknown[] = Array.isArray(body) ? body : [body];
  requireFew(edits);
  const results: Updated[] = [];
  for (const edit of edits) results.push(await updateOne(ctx, edit));
  return results;
}

async function updateOne(ctx: Context, edit: unknown): Promise<Updated> {
  if (!isRecord(edit)) return { errors: [errorItem("INVALID_BODY", { message: "An edit must be a JSON object." })] };
  const { id } = edit;
  if (typeof id !== "string") return { errors: [errorItem("INVALID_ID", { pointer: "/id", flowId: id ?? null })] };
  try {
    return await updateFlow(ctx, { id, body: edit });
  } catch (error) {
    if (!(error instanceof AppError) || error.code === "STORAGE_UNAVAILABLE") throw error;
    return { errors: error.items.map((item) => ({ ...item, message: named(item.message, id), flowId: id })) };
  }
}

/** In answers about several flows the original names the flow in these sentences. */
const named = (message: string, id: string): string =>
  message.replace(/^Flow (?=not found|is not inactive)/, `Flow ${id} `);
