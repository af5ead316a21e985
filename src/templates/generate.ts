import { isRecord } from "../platform/shape.ts";
import { createFlow } from "../flows/create.ts";
import { isSame } from "../flows/diff.ts";
import { toldDocument } from "../flows/instance.ts";
import type { FlowDocument } from "../flows/model.ts";
import { faultsOfValues } from "../flows/values.ts";
import { effectiveValues, resolvedGraph, type TemplateForm, type Values } from "../flows/variables.ts";
import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import type { Answer } from "../platform/http.ts";
import { getTemplate } from "./get.ts";
import { merged } from "./merge.ts";
import { templateOf } from "./store.ts";

/** What a flow has from its template beside the graph, and may have its own way. */
const inherited = ["name", "description", "type", "cron", "flowSettings"] as const;

/**
 * Makes a flow of a template, owned by whoever asks and their tenant alone: an instance, which follows the template's
 * revision; or, if the body changes the graph, a copy that is an ordinary flow.
 */
export async function generateFlow(ctx: Context, id: string, body: unknown): Promise<Answer> {
  const row = await getTemplate(ctx, id);
  if (!isRecord(body)) throw new AppError("INVALID_BODY", { message: "The body must be a JSON object." });
  const template = templateOf(row);
  const form = template as unknown as TemplateForm;
  const { values: sent, graph } = body;
  const asked = sent ?? {};
  const faults = faultsOfValues(form.variables ?? {}, asked, ["values"]);
  if (faults.length > 0) throw new AppError("INVALID_VALUES", { items: faults });
  const values = asked as Values;

  const own = Object.fromEntries(inherited.map((key) => [key, merged(template[key], body[key])]));
  const tenant = body["tenant"] ?? ctx.actor.tenant ?? undefined;
  const flow = { ...own, tenant, fromTemplate: row.id };
  const wanted = merged(form.graph, graph ?? undefined);
  if (!isSame(wanted, form.graph)) {
    return createFlow(ctx, {
      ...flow,
      graph: isGraph(wanted) ? resolvedGraph({ ...form, graph: wanted }, values) : wanted,
      values: effectiveValues(form.variables ?? {}, values),
    });
  }
  const kept = { ...(flow as Omit<FlowDocument, "graph">), fromTemplate: row.id };
  return createFlow(ctx, toldDocument({ ...kept, instance: { revision: row.revision, values } }, form), form);
}

/** Whether secrets can be put in at all; what else is wrong the check of the flow tells. */
const isGraph = (graph: unknown): graph is TemplateForm["graph"] =>
  isRecord(graph) && Array.isArray(graph["nodes"]) && graph["nodes"].every(isRecord);
