import type { Database } from "../db/client.ts";
import { FlowDocument } from "../flows/model.ts";
import { documentOf, findFlow } from "../flows/store.ts";
import { CommandPayload, type Envelope } from "../messages/model.ts";
import { AppError } from "../platform/errors.ts";
import { faultOfComponents } from "./components.ts";

export const ORCHESTRATOR_NAME = "embedded-orchestrator";

interface Surroundings {
  readonly db: Database;
  readonly reports: Queue;
  readonly now: () => number;
}

type ReportName = "flow.started" | "flow.stopped" | "flow.failed";

/** Carries out one command and reports it. A command that comes twice is carried out and reported twice. */
export async function carryOut(by: Surroundings, command: Envelope): Promise<ReportName> {
  const payload = CommandPayload.parse(command.payload);
  if (command.headers.name === "flow.stopping") return report(by, command, payload.id, "flow.stopped");
  const graph = FlowDocument.shape.graph.safeParse(payload.graph ?? (await graphOf(by.db, payload.id)));
  const fault = graph.success ? faultOfComponents(graph.data.nodes) : "The flow is gone or its graph cannot be read.";
  if (fault !== undefined) return report(by, command, payload.id, "flow.failed", fault);
  return report(by, command, payload.id, "flow.started");
}

/** A flow that was too big for a message came as a reference. */
async function graphOf(db: Database, flowId: string): Promise<unknown> {
  const row = await findFlow(db, flowId, null);
  return row && documentOf(row).graph;
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
