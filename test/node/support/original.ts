import { createRequire } from "node:module";

/** An event as the original's library hands it to a handler. */
export interface BusEvent {
  readonly name: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly payload: unknown;
  ack(): Promise<void>;
  nack(): Promise<void>;
}

export type Handler = (event: BusEvent) => Promise<void>;

export interface Logger {
  readonly trace: (...words: unknown[]) => void;
  readonly debug: (...words: unknown[]) => void;
  readonly info: (...words: unknown[]) => void;
  readonly warn: (...words: unknown[]) => void;
  readonly error: (...words: unknown[]) => void;
  readonly child: () => Logger;
}

interface Connection {
  on(event: string, listener: (error: Error) => void): void;
  once(event: string, listener: () => void): void;
  listenerCount(event: string): number;
  close(): Promise<void>;
}

interface Subscription {
  readonly topics: readonly string[];
  readonly serviceName: string;
}

/** The library's transport, so far as it is used or mended here. */
interface Transport {
  _connection: Connection | false | undefined;
  _subscriptions: (Subscription & { callback: Handler })[];
  connect(): Promise<unknown>;
  disconnect(): Promise<unknown>;
  reset(): void;
  subscribe(subscription: Subscription, callback: Handler): Promise<void>;
  _retry(): Promise<void>;
  _getPublishChannel(): Promise<unknown>;
  _handleSubscription(subscription: Subscription, callback: Handler): Promise<unknown>;
}

export interface Publisher {
  publish(event: Outgoing): Promise<unknown>;
}

export interface Outgoing {
  readonly name: string;
  readonly payload: { readonly id: string };
}

interface EventBus extends Publisher {
  connect(): Promise<void>;
  subscribe(name: string, handler: Handler): void;
}

interface EventBusLibrary {
  readonly EventBus: new (options: { serviceName: string; transport: Transport; logger: Logger }) => EventBus;
  readonly Event: new (options: { headers: { name: string }; payload: Outgoing["payload"] }) => Outgoing;
  readonly RabbitMqTransport: new (options: { rabbitmqUri: string; logger: Logger }) => Transport;
}

/** What the orchestrator's library reads of a stored flow. */
export interface FlowForOrchestrator {
  readonly id: string;
  readonly startedBy?: string | null | undefined;
  readonly graph: { readonly nodes: readonly { readonly id: string }[] };
  readonly isStarting: boolean;
  readonly isPreparing: boolean;
  readonly isStopping: boolean;
  preparingBy(orchestrator: string): boolean;
  onStarting(orchestrator: string): Promise<void>;
  onPrepared(): Promise<void>;
  onStarted(): Promise<void>;
  onStopped(): Promise<void>;
  getNodes(): readonly { readonly id: string; readonly componentId: string }[];
}

export interface App {
  readonly id: string;
  readonly flowId: string;
  readonly nodeId: string;
  readonly componentId: string;
  readonly type: "local";
}

interface Deployed {
  readonly flow: { readonly id: string };
  readonly node: { readonly id: string; readonly componentId: string };
}

interface OrchestratorOptions {
  readonly config: { get(name: string): unknown };
  readonly logger: Logger;
  readonly eventBus: Publisher;
  readonly flowsDao: { findAll(): Promise<FlowForOrchestrator[]> };
  readonly componentsDao: { findById(id: string): Promise<{ id: string; isGlobal: boolean } | null> };
  readonly tokensDao: {
    getTokenForFlowAndUser(of: { flowId: string; userId: string }): Promise<string>;
    deleteTokenForFlowAndUser(of: { flowId: string; userId: string }): Promise<void>;
  };
  readonly driver: {
    getAppList(): Promise<App[]>;
    createApp(app: Deployed): Promise<void>;
    destroyApp(app: App): Promise<void>;
  };
  readonly queuesManager: {
    setupBackchannel(): Promise<void>;
    subscribeBackchannel(): Promise<void>;
    subscribeErrorQueue(): Promise<void>;
    prepareQueues(): Promise<object>;
    getSettingsForNodeExecution(): Promise<object>;
    deleteForFlow(): Promise<void>;
  };
}

interface OrchestratorLibrary {
  readonly ComponentOrchestrator: new (options: OrchestratorOptions) => { start(): Promise<void> };
}

/** Loads libraries that say their version on the console. */
function quietly<T>(load: () => T): T {
  const { log } = globalThis.console;
  globalThis.console.log = () => undefined;
  try {
    return load();
  } finally {
    globalThis.console.log = log;
  }
}

const require = createRequire(import.meta.url);
const library = quietly(() => require("@openintegrationhub/event-bus") as EventBusLibrary);
export const { ComponentOrchestrator } = quietly(
  () => require("@openintegrationhub/component-orchestrator") as OrchestratorLibrary,
);

const textOf = (word: unknown): string =>
  word instanceof Error
    ? word.message
    : JSON.stringify(word, (_, value: unknown) => (value instanceof Error ? value.message : value));

const silent = (): void => undefined;

/** Keeps what would have been logged as an error. */
export function loggerInto(faults: string[]): Logger {
  const error = (...words: unknown[]): void => void faults.push(words.map(textOf).join(" "));
  const logger: Logger = { trace: silent, debug: silent, info: silent, warn: silent, error, child: () => logger };
  return logger;
}

/** Closes a connection. A broker that dies meanwhile does not answer, and the libraries would wait for it for ever. */
export async function parted(
  connection: { once(event: string, listener: () => void): unknown },
  close: () => Promise<unknown>,
): Promise<void> {
  const gone = new Promise<void>((resolve) => void connection.once("close", () => resolve()));
  await Promise.race([gone, close().catch(() => undefined)]);
}

/**
 * The library's transport, with what a process needs that is not to die or hang of it: a listener for errors from the
 * first moment, a subscription that is waited for, and an end for good.
 */
class LastingTransport extends library.RabbitMqTransport {
  readonly #faults: string[];
  #over = false;
  #connecting: Promise<unknown> = Promise.resolve();
  #retry: PromiseWithResolvers<void> | undefined;

  constructor(rabbitmqUri: string, faults: string[]) {
    super({ rabbitmqUri, logger: loggerInto(faults) });
    this.#faults = faults;
  }

  override connect(): Promise<unknown> {
    if (this.#over) return Promise.resolve(false);
    this.#connecting = super.connect();
    return this.#connecting;
  }

  // The library calls it first of all with a new connection, and listens to that only after the answer. A channel needs
  // nobody: what it throws for want of a listener ends its connection, and the library makes a new one.
  override _getPublishChannel(): Promise<unknown> {
    if (this._connection && this._connection.listenerCount("error") === 0) {
      this._connection.on("error", ({ message }) => this.#faults.push(message));
    }
    return super._getPublishChannel();
  }

  // The library does not wait: what is published next would miss the queue, and a failure would be nobody's.
  override async subscribe(subscription: Subscription, callback: Handler): Promise<void> {
    this._subscriptions.push({ ...subscription, callback });
    if (this._connection) await this._handleSubscription(subscription, callback);
  }

  // After a reset the library always sets a timer that calls _retry, and keeps no hold of it.
  override reset(): void {
    super.reset();
    this.#retry ??= Promise.withResolvers();
  }

  override async _retry(): Promise<void> {
    const retry = this.#retry;
    this.#retry = undefined;
    await super._retry();
    retry?.resolve();
  }

  async close(): Promise<void> {
    this.#over = true;
    await this.#connecting;
    const connection = this._connection;
    // The library gives up, connection open, when one of its channels is closed already.
    if (connection) await parted(connection, () => this.disconnect().catch(() => connection.close()));
    while (this.#retry !== undefined) await this.#retry.promise;
  }
}

/** A service on the bus, on the library of the original. */
export interface Service {
  /** Rejects while there is no connection; resolves without knowing whether the broker has the message. */
  publish(name: string, payload: Outgoing["payload"]): Promise<void>;
  readonly bus: Publisher;
  close(): Promise<void>;
}

/** Subscribes as the original's services do. Errors that the library meets are added to `faults`. */
export async function joinBus(
  url: string,
  serviceName: string,
  handlers: Readonly<Record<string, Handler>>,
  faults: string[],
): Promise<Service> {
  const transport = new LastingTransport(url, faults);
  const bus = new library.EventBus({ serviceName, transport, logger: loggerInto(faults) });
  for (const [name, handler] of Object.entries(handlers)) bus.subscribe(name, handler);
  try {
    await bus.connect();
  } catch (error) {
    await transport.close();
    throw error;
  }
  return {
    bus,
    async publish(name, payload) {
      await bus.publish(new library.Event({ headers: { name }, payload }));
    },
    close: () => transport.close(),
  };
}
