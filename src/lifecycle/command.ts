import { documentOf, flowOf, type FlowRow } from "../flows/store.ts";
import { bytesOf, MOST_MESSAGE_BYTES, SERVICE_NAME, type Envelope } from "../messages/model.ts";
import { isHexId } from "../platform/ids.ts";
import type { CommandName } from "./transition.ts";

/** The row as it will be once the command's transition is committed. */
export type CommandRow = Omit<FlowRow, "name" | "type" | "fromTemplate" | "searchText">;

/**
 * A command to the orchestrator, field by field as the original sends it; `startId`, `revision` and `statusSeq` in the
 * headers are ours. A flow that does not fit a message is sent as a reference.
 */
export function commandOf(name: CommandName, row: CommandRow, now: number): Envelope {
  const headers = {
    name,
    createdAt: now,
    serviceName: SERVICE_NAME,
    ...(row.startId === null ? {} : { startId: row.startId }),
    revision: row.revision,
    statusSeq: row.statusSeq,
  };
  const status = name === "flow.starting" ? "starting" : "stopping";
  const { tenant, ...document } = documentOf(row);
  const runsFor = tenant ?? document.owners.find((owner) => owner.type === "tenant" && isHexId(owner.id))?.id;
  const { createdAt, updatedAt } = flowOf(row as FlowRow);
  const identity = {
    ...(runsFor === undefined ? {} : { tenant: runsFor }),
    status,
    createdAt,
    updatedAt,
    id: row.id,
    ...(name === "flow.starting" && row.startedBy !== null ? { startedBy: row.startedBy } : {}),
  };
  const whole: Envelope = { headers, payload: { ...document, ...identity } };
  if (bytesOf(JSON.stringify(whole)) <= MOST_MESSAGE_BYTES) return whole;
  return { headers, payload: { ...identity, revision: row.revision, href: `/flows/${row.id}` } };
}
