import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { getApi } from "./drafts.ts";
import { findTrace, listTraces } from "./trace/store.ts";
import type { Trace, TraceSummary } from "./trace/view.ts";

interface Asked {
  readonly "filter[status]"?: string | undefined;
  readonly "page[size]": number;
  readonly "page[after]"?: string | undefined;
}

/** A page of the traces of an API that the actor owns. */
export async function tracesOf(
  ctx: Context,
  id: string,
  asked: Asked,
): Promise<{ data: TraceSummary[]; meta: { next: string | null } }> {
  const { row } = await getApi(ctx, id);
  const size = asked["page[size]"];
  const found = await listTraces(ctx.db, {
    flowId: row.id,
    after: asked["page[after]"],
    status: statusesIn(asked["filter[status]"]),
    size: size + 1,
  });
  const data = found.slice(0, size);
  return { data, meta: { next: found.length > size ? data.at(-1)!.id : null } };
}

export async function getTrace(ctx: Context, id: string, traceId: string): Promise<Trace> {
  const { row } = await getApi(ctx, id);
  const trace = await findTrace(ctx.db, row.id, traceId);
  if (trace === undefined) throw new AppError("TRACE_NOT_FOUND");
  return trace;
}

/** `404` is that status, `4xx` any of its class. */
function statusesIn(text: string | undefined): [least: number, most: number] {
  if (text === undefined) return [100, 599];
  if (!text.endsWith("xx")) return [Number(text), Number(text)];
  const least = Number(text[0]) * 100;
  return [least, least + 99];
}
