import type { Owner } from "../flows/model.ts";
import { documentOf, timeOf, type FlowRow } from "../flows/store.ts";
import { bytesOf, MOST_MESSAGE_BYTES, SERVICE_NAME, type Envelope } from "../messages/model.ts";
import { isHexId } from "../platform/ids.ts";
import type { CommandName } from "./transition.ts";

/** The row as it will be once the command's transition is committed. */
export type CommandRow = Pick<
  FlowRow,
  | "id"
  | "document"
  | "revision"
  | "createdAt"
  | "updatedAt"
  | "status"
  | "statusSeq"
  | "startId"
  | "startedBy"
  | "startedIn"
>;

/**
 * A command to the orchestrator, field by field as the original sends it; `startId`, `revision` and `statusSeq` in the
 * headers are ours. A flow that does not fit a message is sent as a reference.
 */
export function commandOf(name: CommandName, row: CommandRow, now: number, force = false): Envelope {
  const headers = {
    name,
    createdAt: now,
    serviceName: SERVICE_NAME,
    ...(row.startId === null ? {} : { startId: row.startId }),
    revision: row.revision,
    statusSeq: row.statusSeq,
    ...(force ? { force } : {}),
  };
  const status = name === "flow.starting" ? "starting" : "stopping";
  const { tenant, ...document } = documentOf(row);
  const runsFor = runsInNameOf(tenant ?? row.startedIn, document.owners);
  const identity = {
    ...(runsFor === undefined ? {} : { tenant: runsFor }),
    status,
    createdAt: timeOf(row.createdAt),
    updatedAt: timeOf(row.updatedAt),
    id: row.id,
    ...(name === "flow.starting" && row.startedBy !== null ? { startedBy: row.startedBy } : {}),
  };
  const reference: Envelope = {
    headers,
    payload: {
      ...identity,
      ...(document.kind === "workflow" || document.kind === "api" ? { kind: document.kind } : {}),
      revision: row.revision,
      href: `/flows/${row.id}`,
    },
  };
  if (row.document.length > MOST_MESSAGE_BYTES) return reference;
  const whole: Envelope = { headers, payload: { ...document, ...identity } };
  return bytesOf(JSON.stringify(whole)) <= MOST_MESSAGE_BYTES ? whole : reference;
}

/** Only an owner, and only in the form that the orchestrator can read: nobody runs a flow in a foreign tenant's name. */
export function runsInNameOf(named: string | null | undefined, owners: readonly Owner[]): string | undefined {
  const possible = owners.filter((owner) => owner.type === "tenant" && isHexId(owner.id));
  return (possible.find((owner) => owner.id === named) ?? possible[0])?.id;
}
