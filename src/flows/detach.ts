import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { documentOf, type FlowRow } from "./store.ts";
import { editRow, replaced } from "./update.ts";

/** Makes an ordinary flow of an instance: with the graph and the values that it has now, both its own. */
export function detachFlow(ctx: Context, id: string, ifMatch: string | undefined): Promise<FlowRow> {
  return editRow(ctx, { id, ifMatch }, (row) => {
    const present = documentOf(row);
    const { instance, ...document } = present;
    if (instance === undefined) throw new AppError("FLOW_NO_INSTANCE");
    const note = `Detached from revision ${instance.revision} of its template.`;
    return replaced(ctx, row, { ...document, values: instance.effective }, note);
  });
}
