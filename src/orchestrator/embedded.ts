import type { Database } from "../db/client.ts";
import { FlowDocument } from "../flows/model.ts";
import { documentOf, findFlow } from "../flows/store.ts";
import { cancelRunsOf, CommandPayload, endExecutionsOf, type Envelope } from "../messages/model.ts";
import { AppError } from "../platform/errors.ts";
import { openWorkflow, workflowOf } from "../executions/open.ts";
import { apiOf, openApi } from "../gateway/open.ts";
import { ScheduleFault, schedulesOf } from "../runs/schedule.ts";
import { faultOfKnownComponents } from "./components.ts";

export const ORCHESTRATOR_NAME = "embedded-orchestrator";

interface Surroundings {
  readonly db: Database;
  readonly reports: Queue;
  readonly now: () => number;
  readonly env: Env;
}

type ReportName = "flow.started" | "flow.stopped" | "flow.failed";

/** What of a flow matters to the one who makes it live. */
const Runnable = FlowDocument.pick({ graph: true, cron: true, flowSettings: true });

/** Carries out one command and reports it. A command that comes twice is carried out and reported twice. */
export async function carryOut(by: Surroundings, command: Envelope): Promise<ReportName> {
  const payload = CommandPayload.parse(command.payload);
  if (command.headers.name === "flow.stopping") {
    await takeDown(by, payload, command.headers);
    return report(by, command, payload.id, "flow.stopped");
  }
  const opened = await openedHere(by, payload);
  if (opened !== undefined) {
    const name = opened.fault === undefined ? "flow.started" : "flow.failed";
    return report(by, command, payload.id, name, opened.fault);
  }
  const document = Runnable.safeParse(payload.graph === undefined ? await documentIn(by.db, payload.id) : payload);
  const fault = document.success
    ? await faultOfKnownComponents(by.db, document.data.graph.nodes)
    : "The flow is gone or its graph cannot be read.";
  if (!document.success || fault !== undefined) return report(by, command, payload.id, "flow.failed", fault);
  try {
    const schedules = schedulesOf(document.data);
    const { startId } = command.headers;
    if (schedules.length > 0) {
      await by.env.LIVE_FLOW.getByName(payload.id).arise(payload.id, startId ?? null, schedules);
    }
  } catch (error) {
    if (!(error instanceof ScheduleFault)) throw error;
    return report(by, command, payload.id, "flow.failed", error.message);
  }
  return report(by, command, payload.id, "flow.started");
}

/** Has a workflow's name or an API's path lead to it; undefined for a flow of another kind. */
async function openedHere({ db, now, env }: Surroundings, { id, kind }: CommandPayload) {
  if (kind !== "workflow" && kind !== "api") return undefined;
  const row = await findFlow(db, id, null);
  if (kind === "api") {
    if (row === undefined || apiOf(row) === undefined) return { fault: "The API is gone." };
    return { fault: await openApi(db, env, row, now()) };
  }
  if (row === undefined || workflowOf(row) === undefined) return { fault: "The workflow is gone." };
  return { fault: await openWorkflow(db, row, now()) };
}

/** A flow that was too big for a message came as a reference. */
async function documentIn(db: Database, flowId: string): Promise<unknown> {
  const row = await findFlow(db, flowId, null);
  return row && documentOf(row);
}

/** No run begins any more; those under way go to their end, unless the stop was forced. */
async function takeDown(
  { env, now }: Surroundings,
  { id: flowId, kind }: CommandPayload,
  { startId, force, createdAt = now() }: Envelope["headers"],
): Promise<void> {
  if (kind === "workflow") {
    const all = { flowId, after: "", startId, before: createdAt + 1 };
    if (force === true) await env.FLOW_CHORES.send(endExecutionsOf(all, now()));
    return;
  }
  // The gateway hears of the status itself; calls in flight go to their end.
  if (kind === "api") return;
  await env.LIVE_FLOW.getByName(flowId).fall(startId);
  if (force !== true) return;
  await env.FLOW_CHORES.send(cancelRunsOf({ flowId, after: "", startId, before: createdAt + 1 }, now()));
}

async function report(
  by: Surroundings,
  command: Envelope,
  id: string,
  name: ReportName,
  reason?: string,
): Promise<ReportName> {
  const { startId } = command.headers;
  const envelope: Envelope = {
    headers: {
      name,
      createdAt: by.now(),
      serviceName: ORCHESTRATOR_NAME,
      ...(startId === undefined ? {} : { startId }),
    },
    payload: reason === undefined ? { id } : { id, reason },
  };
  try {
    await by.reports.send(envelope);
  } catch (cause) {
    throw new AppError("QUEUE_UNAVAILABLE", { cause });
  }
  return name;
}
