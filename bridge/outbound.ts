import { mayPass } from "./ask.ts";
import { wordsOf, type Log } from "./log.ts";
import { flowOf, isCommand, isReference, toBus, withDocument, type ProductMessage } from "./message.ts";
import { backoff, persist, wait } from "./patience.ts";
import type { Parcel, Product, Settled, Source } from "./product.ts";
import type { Publisher } from "./publish.ts";
import type { CommonSettings } from "./settings.ts";
import type { State } from "./state.ts";

export interface Outbound {
  readonly settings: CommonSettings;
  readonly product: Product;
  readonly publisher: Publisher;
  readonly state: State;
  readonly log: Log;
  readonly published: Published;
}

interface Step {
  readonly statusSeq: number;
  readonly createdAt: number;
}

/** How far the commands of each flow have been published: a queue may bring an earlier one after a later one. */
export class Published {
  readonly #last = new Map<string, Step>();
  static readonly most = 20_000;

  /** By its number, and by its time too: a database that was put back counts anew. */
  isBehind(flowId: string, step: Step): boolean {
    const last = this.#last.get(flowId);
    return last !== undefined && step.statusSeq < last.statusSeq && step.createdAt <= last.createdAt;
  }

  note(flowId: string, step: Step): void {
    this.#last.delete(flowId);
    this.#last.set(flowId, step);
    const [oldest] = this.#last.keys();
    if (this.#last.size > Published.most && oldest !== undefined) this.#last.delete(oldest);
  }
}

const MOST_DELAY_SECONDS = 60;
const LEAST_ROUND_MS = 20;
/** Parts of a lease: within the first nothing is begun any more, within the second the broker has to confirm. */
const BEGUN_WITHIN = 0.5;
const CONFIRMED_WITHIN = 0.4;

/** Carries messages of one source to the bus until the signal ends it. What is under way is brought to its end. */
export async function carryOut(by: Outbound, source: Source, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if (by.state.broker.blocked) {
      // What a broker does not take now would only outlive its lease.
      await wait(500, signal);
      continue;
    }
    const asked = Date.now();
    const parcels = await patiently(by, source.name, signal, () => source.pull(signal));
    if (parcels === undefined || parcels.length === 0) {
      // A source that has nothing waits by itself; one that does not is not to be asked without end.
      await wait(Math.max(0, LEAST_ROUND_MS - (Date.now() - asked)), signal);
      continue;
    }
    const settled = await publishAll(by, parcels, asked);
    // Not given up when the broker goes: what it has confirmed is not to be published again.
    const patience = AbortSignal.timeout(by.settings.BRIDGE_LEASE_SECONDS * 1000);
    await patiently(by, source.name, patience, () => source.settle(settled));
    if (settled.acks.length === 0) await wait(backoff(3), signal);
  }
}

const patiently = <T>(by: Outbound, source: string, signal: AbortSignal, attempt: () => Promise<T>) =>
  persist(
    async () => {
      const answer = await attempt();
      by.state.productAnswered(source);
      return answer;
    },
    signal,
    (error, failures, retryInMs) => {
      by.state.productFailed(source, wordsOf(error), Date.now(), mayPass(error));
      by.log.error("product.silent", error, { source, failures, retryInMs });
    },
  );

/** Publishes messages, those of one flow each after the other was confirmed, the flows at the same time. */
async function publishAll(by: Outbound, parcels: readonly Parcel[], drawnAt: number): Promise<Settled> {
  const acks: string[] = [];
  const retries: { lease: string; delaySeconds: number }[] = [];
  const lanes = Map.groupBy(parcels, ({ lease, message }) => (message && flowOf(message)) || lease);
  await Promise.all(
    [...lanes.values()].map(async (lane) => {
      let delaySeconds: number | undefined;
      for (const parcel of inOrder(lane)) {
        delaySeconds ??= await publishOne(by, parcel, drawnAt);
        if (delaySeconds === undefined) acks.push(parcel.lease);
        else retries.push({ lease: parcel.lease, delaySeconds });
      }
    }),
  );
  return { acks, retries };
}

/** A queue may have mixed up what it hands out at once. */
function inOrder(lane: readonly Parcel[]): Parcel[] {
  const commands = lane.filter((parcel) => seqOf(parcel) !== undefined);
  commands.sort((one, other) => seqOf(one)! - seqOf(other)!);
  return lane.map((parcel) => (seqOf(parcel) === undefined ? parcel : commands.shift()!));
}

const seqOf = ({ message }: Parcel): number | undefined =>
  message === undefined || !isCommand(message) ? undefined : message.headers.statusSeq;

/** Answers in how many seconds to try again; undefined if the message is done with. */
async function publishOne(by: Outbound, parcel: Parcel, drawnAt: number): Promise<number | undefined> {
  const { state, log } = by;
  const later = Math.min(MOST_DELAY_SECONDS, 2 ** Math.min(Math.max(parcel.attempts - 1, 0), 6));
  const seq = seqOf(parcel);
  const step = seq === undefined ? undefined : { statusSeq: seq, createdAt: parcel.message?.headers.createdAt ?? 0 };
  const flowId = parcel.message === undefined ? "" : flowOf(parcel.message);
  const name = parcel.message?.headers.name ?? "";
  if (parcel.message === undefined) {
    log.error("message.unreadable", "What the product handed out is no message.", { attempts: parcel.attempts });
    return MOST_DELAY_SECONDS;
  }
  if (step !== undefined && by.published.isBehind(flowId, step)) {
    state.superseded += 1;
    log.info("message.superseded", { flowId, name, statusSeq: seq });
    return undefined;
  }
  try {
    const whole = await wholeOf(by, parcel.message);
    if (whole === undefined) {
      log.info("message.moot", { flowId, name });
      return undefined;
    }
    const lease = by.settings.BRIDGE_LEASE_SECONDS * 1000;
    // By then another bridge may have it, and have published what comes after it.
    if (Date.now() - drawnAt > lease * BEGUN_WITHIN) return 0;
    const verdict = await by.publisher.publish(toBus(whole), isCommand(whole), lease * CONFIRMED_WITHIN);
    if (verdict === "unrouted") {
      state.unrouted += 1;
      state.lastUnrouted = { name, at: Date.now() };
      log.error("message.unrouted", "No queue is bound for it.", { flowId, name, retryInSeconds: later });
      return later;
    }
  } catch (error) {
    log.error("message.unpublished", error, { flowId, name });
    return 1;
  }
  state.published += 1;
  if (step !== undefined) by.published.note(flowId, step);
  log.info("message.published", { flowId, name, statusSeq: seq });
  return undefined;
}

/** A command with its flow. One to stop a flow that is gone needs no more than its id; one to start it is moot. */
async function wholeOf({ product }: Outbound, message: ProductMessage): Promise<ProductMessage | undefined> {
  if (!isReference(message)) return message;
  const { revision } = message.payload;
  const document = await product.documentOf(flowOf(message), Number(revision));
  if (document !== undefined) return withDocument(message, document);
  return message.headers.name === "flow.stopping" ? withDocument(message, {}) : undefined;
}
