import type { Channel, ConsumeMessage } from "amqplib";

import { mayPass } from "./ask.ts";
import { wordsOf, type Log } from "./log.ts";
import { fromBus, subjectOf } from "./message.ts";
import { backoff, wait } from "./patience.ts";
import type { Product } from "./product.ts";
import type { CommonSettings } from "./settings.ts";
import type { State } from "./state.ts";

export interface Inbound {
  readonly settings: CommonSettings;
  readonly product: Product;
  readonly channel: Channel;
  readonly state: State;
  readonly log: Log;
}

/** What the health endpoint calls the part of the product that takes messages of the bus. */
const PART = "reports";

interface Delivery {
  readonly delivered: ConsumeMessage;
  readonly message: unknown;
}

interface Lane {
  readonly deliveries: Delivery[];
  failures: number;
  dueAt: number;
}

/**
 * Hands messages of the bus to the product and acknowledges each once the product has taken it. One that the product
 * cannot take yet is brought again, and what is about the same flow waits behind it; the others do not.
 */
export class Carrier {
  readonly #by: Inbound;
  readonly #lanes = new Map<string, Lane>();
  #wake = new AbortController();

  constructor(by: Inbound) {
    this.#by = by;
    // Whoever begins anew has not been refused anything yet.
    by.state.forget(PART);
  }

  /** Takes a message from the broker. */
  receive(delivered: ConsumeMessage): void {
    const message = fromBus(delivered.content);
    const subject = subjectOf(message) || `#${delivered.fields.deliveryTag}`;
    const lane = this.#lanes.get(subject);
    if (lane === undefined) this.#lanes.set(subject, { deliveries: [{ delivered, message }], failures: 0, dueAt: 0 });
    else lane.deliveries.push({ delivered, message });
    this.#wake.abort();
  }

  /** Works until the signal ends it; a batch that is under way is brought to its end. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const batch = this.#due();
      if (batch.length === 0) {
        this.#wake = new AbortController();
        await wait(this.#untilDue(), AbortSignal.any([signal, this.#wake.signal]));
      } else {
        await this.#hand(batch);
      }
    }
  }

  #due(): [subject: string, delivery: Delivery][] {
    const now = Date.now();
    const batch: [string, Delivery][] = [];
    for (const [subject, { deliveries, dueAt }] of this.#lanes) {
      if (dueAt > now) continue;
      const room = this.#by.settings.BRIDGE_BATCH - batch.length;
      if (room <= 0) break;
      batch.push(...deliveries.slice(0, room).map((delivery): [string, Delivery] => [subject, delivery]));
    }
    return batch;
  }

  #untilDue(): number {
    const times = [...this.#lanes.values()].map(({ dueAt }) => dueAt);
    return times.length === 0 ? 60_000 : Math.max(1, Math.min(...times) - Date.now());
  }

  async #hand(batch: readonly [subject: string, delivery: Delivery][]): Promise<void> {
    const { product, state, log } = this.#by;
    let taken: readonly boolean[] = [];
    try {
      taken = await product.take(batch.map(([, { message }]) => message));
      state.productAnswered(PART);
    } catch (error) {
      state.productFailed(PART, wordsOf(error), Date.now(), mayPass(error));
      log.error("product.silent", error, { messages: batch.length });
    }
    const failed = new Set<string>();
    for (const [at, [subject, delivery]] of batch.entries()) {
      if (taken[at] === true) this.#done(subject, delivery);
      else failed.add(subject);
    }
    for (const subject of failed) this.#putOff(subject);
  }

  #done(subject: string, delivery: Delivery): void {
    const lane = this.#lanes.get(subject)!;
    lane.deliveries.splice(lane.deliveries.indexOf(delivery), 1);
    lane.failures = 0;
    if (lane.deliveries.length === 0) this.#lanes.delete(subject);
    this.#by.state.delivered += 1;
    this.#by.log.info("message.delivered", { subject, name: delivery.delivered.fields.routingKey });
    // A channel that has closed meanwhile refuses; the broker brings the message again, and the product knows it.
    try {
      this.#by.channel.ack(delivery.delivered);
    } catch (error) {
      this.#by.log.error("message.unacknowledged", error, { subject });
    }
  }

  #putOff(subject: string): void {
    const lane = this.#lanes.get(subject)!;
    lane.failures += 1;
    lane.dueAt = Date.now() + backoff(lane.failures, 30_000);
    this.#by.state.deferred += 1;
    this.#by.log.info("message.deferred", { subject, failures: lane.failures, retryInMs: lane.dueAt - Date.now() });
  }
}
