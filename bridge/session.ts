import { connect, type ChannelModel } from "amqplib";

import { Carrier } from "./inbound.ts";
import { wordsOf, type Log } from "./log.ts";
import { carryOut, Published } from "./outbound.ts";
import { backoff, wait } from "./patience.ts";
import type { Product } from "./product.ts";
import { Publisher } from "./publish.ts";
import type { CommonSettings } from "./settings.ts";
import type { State } from "./state.ts";

export interface Bridge {
  readonly settings: CommonSettings;
  readonly product: Product;
  readonly state: State;
  readonly log: Log;
}

/** What the original's queue is bound to, and the deletion of tenants, which it does not hear of. */
export const topics = ["flow.started", "flow.stopped", "flow.failed", "iam.user.deleted", "iam.tenant.deleted"];

const HEARTBEAT_SECONDS = 10;
const CONNECT_MS = 10_000;
const MOST_DELAY_MS = 5000;
/** How long work under way is waited for: at the end, and before another connection. */
const STOP_MS = 10_000;
const LOST_MS = 1000;

/** Keeps a connection to the broker, for ever, and works as long as there is one, until the signal ends it. */
export async function keepConnected(by: Bridge, signal: AbortSignal): Promise<void> {
  const { state, log } = by;
  const published = new Published();
  for (let failures = 0; !signal.aborted;) {
    const since = Date.now();
    try {
      await session(by, published, signal);
      if (signal.aborted) return;
      throw new Error("The connection was closed.");
    } catch (error) {
      // One that held for a while was no failure to connect.
      failures = Date.now() - since > 30_000 ? 1 : failures + 1;
      if (state.broker.connected) state.broker.since = Date.now();
      state.broker = { ...state.broker, connected: false, blocked: false, failures, lastError: wordsOf(error) };
      const delay = backoff(failures, MOST_DELAY_MS);
      log.error("broker.lost", error, { failures, retryInMs: delay });
      await wait(delay, signal);
    }
  }
}

/** One connection, from its beginning until it closes or the signal ends it. */
async function session(by: Bridge, published: Published, signal: AbortSignal): Promise<void> {
  const { settings, state, log } = by;
  const connection = await connect(withHeartbeat(settings.RABBITMQ_URL), { timeout: CONNECT_MS });
  const over = new AbortController();
  let fault: Error | undefined;
  connection.on("error", (error) => (fault = error));
  connection.on("close", () => over.abort());
  connection.on("blocked", (reason: string) => {
    state.broker.blocked = true;
    log.error("broker.blocked", reason);
  });
  connection.on("unblocked", () => (state.broker.blocked = false));
  try {
    const { carrier, publisher, consumed, cancel } = await open(by, connection, (error) => {
      fault ??= error;
      over.abort();
    });
    state.broker = { connected: true, blocked: false, since: Date.now(), failures: 0, lastError: null };
    log.info("broker.connected", { queue: settings.BRIDGE_QUEUE, waiting: consumed });
    const until = AbortSignal.any([signal, over.signal]);
    const work = [
      carrier.run(until),
      ...by.product.sources.map((source) => carryOut({ ...by, publisher, published }, source, until)),
    ];
    until.addEventListener("abort", () => void cancel().catch(() => undefined), { once: true });
    await ended(until);
    await forAtMost(signal.aborted ? STOP_MS : LOST_MS, Promise.all(work));
    if (!signal.aborted) throw fault ?? new Error("The connection was closed.");
  } finally {
    // A broker that dies while it is told good-bye never answers.
    await forAtMost(
      LOST_MS,
      connection.close().catch(() => undefined),
    );
  }
}

/** Waits for work to end, but not for longer. */
async function forAtMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  await Promise.race([work.finally(() => done.abort()), wait(milliseconds, done.signal)]);
}

/** Exchange, queue and bindings as they have always been, a channel for each direction. */
async function open(by: Bridge, connection: ChannelModel, lost: (error?: Error) => void) {
  const { BRIDGE_EXCHANGE: exchange, BRIDGE_QUEUE: queue, BRIDGE_BATCH } = by.settings;
  const out = await connection.createConfirmChannel();
  const into = await connection.createChannel();
  for (const channel of [out, into]) {
    channel.on("error", (error: Error) => lost(error));
    channel.on("close", () => lost());
  }
  await out.assertExchange(exchange, "topic", { durable: true });
  const { messageCount } = await into.assertQueue(queue, { durable: true });
  for (const topic of topics) await into.bindQueue(queue, exchange, topic);
  // Two batches: one that is handed over and one that gathers.
  await into.prefetch(BRIDGE_BATCH * 2);
  const carrier = new Carrier({ ...by, channel: into });
  const { consumerTag } = await into.consume(queue, (delivered) => {
    if (delivered === null) lost(new Error("The broker has taken the queue away."));
    else carrier.receive(delivered);
  });
  return {
    carrier,
    publisher: new Publisher(out, exchange),
    consumed: messageCount,
    cancel: () => into.cancel(consumerTag),
  };
}

const ended = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

function withHeartbeat(address: string): string {
  const url = new URL(address);
  if (!url.searchParams.has("heartbeat")) url.searchParams.set("heartbeat", String(HEARTBEAT_SECONDS));
  return url.href;
}
