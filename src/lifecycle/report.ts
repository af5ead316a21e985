import type { Context } from "../identity/context.ts";
import { ReportPayload, type Envelope } from "../messages/model.ts";
import { AppError } from "../platform/errors.ts";
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
  const outcome = await sendInput(objects, {
    flowId: report.id,
    trigger,
    reach: null,
    ...(startId === undefined ? {} : { startId }),
    ...(report.reason === undefined ? {} : { reason: report.reason }),
  });
  if (!outcome.ok && outcome.error === "REVISION_CONFLICT") throw new AppError(outcome.error);
  return outcome;
}
