import { FlowDocument, type StoredFlow } from "./flow-document.ts";
import {
  startAuditLog,
  startScheduler,
  startWebhooks,
  storing,
  take,
  type AuditLog,
  type Listener,
  type Refusal,
  type Scheduler,
  type Webhooks,
} from "./listeners.ts";
import { ComponentOrchestrator, joinBus, loggerInto, type App, type BusEvent, type Outgoing } from "./original.ts";
import { readId, readStartable } from "./stored.ts";

export { captureBus, type Capture, type Captured } from "./capture.ts";
export { startAuditLog, startScheduler, startWebhooks };
export type { AuditLog, Listener, Refusal, Scheduler, StoredFlow, Webhooks };

const serviceName = "component-orchestrator";

export interface Report {
  readonly name: string;
  /** Of the flow; of the component when `component.failed` goes before `flow.failed`. */
  readonly id: string;
}

export interface Command {
  readonly name: string;
  readonly id: string;
  readonly payload: unknown;
}

export interface RealOrchestrator extends Listener {
  /** Its own store. A stopped flow has no row. */
  readonly flows: ReadonlyMap<string, StoredFlow>;
  /** The commands that it could read, in order of arrival. One whose ack was lost with its connection comes again. */
  readonly commands: readonly Command[];
  /** The reports that its connection took; whether the broker did is not known. */
  readonly reports: readonly Report[];
  /** What runs for the nodes of started flows. */
  readonly apps: readonly App[];
  readonly webhooks: Webhooks;
  readonly scheduler: Scheduler;
  readonly auditLog: AuditLog;
}

export interface RealOptions {
  /** How long it waits from one look at its flows to the next, in milliseconds; 10,000 in the original. */
  readonly tick?: number;
  /** Whether there is such a component; without one a start fails. */
  readonly knows?: (componentId: string) => boolean;
}

/** The original's orchestrator, with its store and its drivers in memory, beside the services that listen with it. */
export async function startRealOrchestrator(url: string, options: RealOptions = {}): Promise<RealOrchestrator> {
  const { tick = 50, knows = () => true } = options;
  const flows = new Map<string, StoredFlow>();
  const commands: Command[] = [];
  const reports: Report[] = [];
  const refused: Refusal[] = [];
  const faults: string[] = [];
  let apps: App[] = [];
  let over = false;
  const parked = Promise.withResolvers<void>();

  const starting = (event: BusEvent): void => {
    const read = readStartable(event.payload);
    commands.push({ name: event.name, id: read.id, payload: event.payload });
    flows.set(read.id, { ...flows.get(read.id), ...read, status: "starting" });
  };
  const stopping = ({ name, payload }: BusEvent): void => {
    const id = readId(payload);
    commands.push({ name, id, payload });
    const row = flows.get(id);
    if (row !== undefined) flows.set(id, { ...row, status: "stopping" });
  };
  const taken = storing(refused, () => undefined);
  const handlers = {
    "flow.starting": storing(refused, starting),
    "flow.stopping": storing(refused, stopping),
    "flow.execute": taken,
    "component.starting": taken,
    "component.stopping": taken,
  };
  const service = await joinBus(url, serviceName, handlers, faults);

  const publish = async (event: Outgoing): Promise<void> => {
    try {
      await service.bus.publish(event);
      reports.push({ name: event.name, id: event.payload.id });
    } catch (error) {
      // The library waits for no flow.failed, so a rejection would end the process. It comes again with the next tick.
      if (event.name !== "flow.failed") throw error;
    }
  };
  const orchestrator = new ComponentOrchestrator({
    config: { get: (name) => (name === "TICK_INTERVAL" ? tick : undefined) },
    logger: loggerInto(faults),
    eventBus: { publish },
    flowsDao: {
      // The library has no end: its loop stops where it waits for this for ever.
      findAll: () => {
        if (!over) return Promise.resolve([...flows.values()].map((row) => new FlowDocument(flows, row)));
        parked.resolve();
        return new Promise(() => undefined);
      },
    },
    componentsDao: {
      findById: async (id) => {
        if (!/^[0-9a-f]{24}$/iu.test(id)) throw new Error(`Failed to fetch the component ${id}`);
        return knows(id) ? { id, isGlobal: false } : null;
      },
    },
    tokensDao: { getTokenForFlowAndUser: async () => "token", deleteTokenForFlowAndUser: async () => undefined },
    driver: {
      getAppList: async () => [...apps],
      createApp: async ({ flow, node }) => {
        const id = `local-${flow.id}.${node.id}`;
        apps.push({ id, flowId: flow.id, nodeId: node.id, componentId: node.componentId, type: "local" });
      },
      destroyApp: async ({ id }) => void (apps = apps.filter((app) => app.id !== id)),
    },
    queuesManager: {
      setupBackchannel: async () => undefined,
      subscribeBackchannel: async () => undefined,
      subscribeErrorQueue: async () => undefined,
      prepareQueues: async () => ({}),
      getSettingsForNodeExecution: async () => ({}),
      deleteForFlow: async () => undefined,
    },
  });
  const [webhooks, scheduler, auditLog] = await Promise.all([
    startWebhooks(url),
    startScheduler(url),
    startAuditLog(url),
  ]);
  await orchestrator.start();
  return {
    flows,
    commands,
    reports,
    refused,
    faults,
    get apps() {
      return apps;
    },
    webhooks,
    scheduler,
    auditLog,
    async close() {
      over = true;
      await parked.promise;
      await Promise.all([service, webhooks, scheduler, auditLog].map((each) => each.close()));
    },
  };
}

export interface AnsweringService extends Listener {
  readonly counts: {
    readonly starting: number;
    readonly stopping: number;
    /** Reports that the connection took; the broker may have died with them. */
    readonly answered: number;
    /** Reports that found no connection. Nobody sends them again: a repeated command does. */
    readonly lost: number;
  };
  /** By flow, the names of the commands that came for it, in order of arrival and with every repetition. */
  readonly sequences: ReadonlyMap<string, readonly string[]>;
}

const answers = { "flow.starting": "flow.started", "flow.stopping": "flow.stopped" } as const;

/** A service that answers every command at once, repeated ones too, and keeps nothing. */
export async function startAnsweringService(url: string): Promise<AnsweringService> {
  const counts = { starting: 0, stopping: 0, answered: 0, lost: 0 };
  const sequences = new Map<string, string[]>();
  const refused: Refusal[] = [];
  const faults: string[] = [];

  const handler =
    (name: keyof typeof answers, count: "starting" | "stopping") =>
    async (event: BusEvent): Promise<void> => {
      const read = ({ payload }: BusEvent): void => {
        const id = name === "flow.starting" ? readStartable(payload).id : readId(payload);
        counts[count] += 1;
        sequences.set(id, [...(sequences.get(id) ?? []), name]);
      };
      if (!(await take(event, refused, read))) return;
      await service.publish(answers[name], { id: readId(event.payload) }).then(
        () => (counts.answered += 1),
        () => (counts.lost += 1),
      );
    };
  const handlers = {
    "flow.starting": handler("flow.starting", "starting"),
    "flow.stopping": handler("flow.stopping", "stopping"),
  };
  const service = await joinBus(url, serviceName, handlers, faults);
  return { counts, sequences, refused, faults, close: () => service.close() };
}
