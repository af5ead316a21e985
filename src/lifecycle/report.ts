import type { Context, Repeatable } from "../identity/context.ts";
import { ReportPayload, type Envelope } from "../messages/model.ts";
import { AppError } from "../platform/errors.ts";
import { sha256Of } from "../platform/ids.ts";
import type { Outcome } from "./model.ts";
import { sendInput } from "./send-input.ts";
import type { Trigger } from "./transition.ts";

/** Takes what an orchestrator reports about a flow. One about a flow that is gone is taken and forgotten. */
export async function takeReport(
  objects: Context["objects"],
  trigger: Extract<Trigger, "started" | "stopped" | "failed">,
  { headers, payload }: Envelope,
): Promise<Outcome> {
  const report = ReportPayload.parse(payload);
  const startId = headers.startId ?? report.startId;
  const repeat = startId === undefined ? await recognised(trigger, report.id, headers) : undefined;
  const outcome = await sendInput(objects, {
    flowId: report.id,
    trigger,
    reach: null,
    repeat,
    ...(startId === undefined ? { at: headers.createdAt } : { startId }),
    ...(report.reason === undefined ? {} : { reason: report.reason }),
  });
  if (!outcome.ok && outcome.error === "REVISION_CONFLICT") throw new AppError(outcome.error);
  return outcome;
}

/**
 * A report that does not say which start it is about is taken once. Delivered again while a later start is under way, it
 * would be taken for an answer to that one.
 */
async function recognised(
  trigger: Trigger,
  id: string,
  { createdAt, serviceName }: Envelope["headers"],
): Promise<Repeatable | undefined> {
  if (createdAt === undefined) return undefined;
  const key = await sha256Of(JSON.stringify(["report", trigger, id, createdAt, serviceName ?? null]));
  return { key, fingerprint: key };
}
