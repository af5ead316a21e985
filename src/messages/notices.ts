import type { Envelope } from "./model.ts";
import { SERVICE_NAME } from "./model.ts";
import type { OutboxMessage } from "./outbox.ts";

export type NoticeName = "flowrepo.flow.created" | "flowrepo.flow.modified" | "flowrepo.flow.deleted";

/** Tells whoever listens that somebody changed a flow; ids only. */
export function notice(
  name: NoticeName,
  by: { readonly sub: string; readonly tenant: string | null },
  flowId: string,
  now: number,
): OutboxMessage {
  const envelope: Envelope = {
    headers: { name, createdAt: now, serviceName: SERVICE_NAME },
    payload: { tenant: by.tenant ?? "", user: by.sub, flowId },
  };
  return { flowId, queue: "notices", envelope };
}
