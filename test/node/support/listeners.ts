import { joinBus, type BusEvent, type Handler } from "./original.ts";
import {
  hasCron,
  readHookable,
  readId,
  readLogged,
  readScheduled,
  type Hookable,
  type Logged,
  type Scheduled,
} from "./stored.ts";

/** A message that a service could not read. It was rejected, and with that it is gone, as in the original. */
export interface Refusal {
  readonly name: string;
  readonly payload: unknown;
  readonly reason: string;
}

export interface Listener {
  readonly refused: readonly Refusal[];
  /** What the library would have logged as an error. */
  readonly faults: readonly string[];
  close(): Promise<void>;
}

/**
 * The frame of the original's handlers: what can be stored is acked, all else is rejected. Tells which it was. When the
 * connection is gone, so is the ack, and the message comes again.
 */
export async function take(event: BusEvent, refused: Refusal[], store: (event: BusEvent) => void): Promise<boolean> {
  const { name, payload } = event;
  try {
    store(event);
  } catch (error) {
    refused.push({ name, payload, reason: error instanceof Error ? error.message : String(error) });
    await event.nack();
    return false;
  }
  await event.ack();
  return true;
}

export const storing =
  (refused: Refusal[], store: (event: BusEvent) => void): Handler =>
  async (event) => {
    await take(event, refused, store);
  };

async function listen(
  url: string,
  serviceName: string,
  stores: Readonly<Record<string, (event: BusEvent) => void>>,
): Promise<Listener> {
  const refused: Refusal[] = [];
  const faults: string[] = [];
  const handlers = Object.entries(stores).map(([name, store]) => [name, storing(refused, store)] as const);
  const service = await joinBus(url, serviceName, Object.fromEntries(handlers), faults);
  return { refused, faults, close: () => service.close() };
}

export interface StoredHook extends Hookable {
  readonly status: "starting" | "started";
}

export interface Webhooks extends Listener {
  readonly flows: ReadonlyMap<string, StoredHook>;
}

/** The webhooks service: keeps started flows that have no cron. */
export async function startWebhooks(url: string): Promise<Webhooks> {
  const flows = new Map<string, StoredHook>();
  const listener = await listen(url, "webhooks", {
    "flow.starting": ({ payload }) => {
      if (hasCron(payload)) {
        flows.delete(readId(payload));
        return;
      }
      const read = readHookable(payload);
      flows.set(read.id, { ...flows.get(read.id), ...read, status: "starting" });
    },
    "flow.started": ({ payload }) => {
      const flow = flows.get(readId(payload));
      if (flow !== undefined) flows.set(flow.id, { ...flow, status: "started" });
    },
    "flow.stopping": ({ payload }) => void flows.delete(readId(payload)),
  });
  return { ...listener, flows };
}

export interface StoredSchedule extends Scheduled {
  /** Whether it is planned: only `flow.started` makes it due. */
  readonly planned: boolean;
}

export interface Scheduler extends Listener {
  readonly flows: ReadonlyMap<string, StoredSchedule>;
}

/** The scheduler: keeps started flows that have a cron. Whether its own parser reads that is not asked here. */
export async function startScheduler(url: string): Promise<Scheduler> {
  const flows = new Map<string, StoredSchedule>();
  const listener = await listen(url, "scheduler", {
    "flow.starting": ({ payload }) => {
      if (!hasCron(payload)) {
        flows.delete(readId(payload));
        return;
      }
      const read = readScheduled(payload);
      flows.set(read.id, { ...read, planned: false });
    },
    "flow.started": ({ payload }) => {
      const flow = flows.get(readId(payload));
      if (flow !== undefined) flows.set(flow.id, { ...flow, planned: true });
    },
    "flow.stopping": ({ payload }) => void flows.delete(readId(payload)),
  });
  return { ...listener, flows };
}

export interface AuditLog extends Listener {
  readonly entries: readonly Logged[];
}

/** The audit log, so far as it listens to the flow repository. */
export async function startAuditLog(url: string): Promise<AuditLog> {
  const entries: Logged[] = [];
  const store = ({ headers, payload }: BusEvent): void => void entries.push(readLogged({ headers, payload }));
  const names = ["flowrepo.flow.created", "flowrepo.flow.modified", "flowrepo.flow.deleted"];
  const listener = await listen(url, "audit-log", Object.fromEntries(names.map((name) => [name, store])));
  return { ...listener, entries };
}
