import type { ConfirmChannel, Message } from "amqplib";

import type { BusMessage } from "./message.ts";

/** Messages that came back after they were given up. */
const MOST_RETURNED = 1000;

export type Verdict = "confirmed" | "unrouted";

/** Publishes on a channel whose broker confirms each message. */
export class Publisher {
  readonly #channel: ConfirmChannel;
  readonly #exchange: string;
  readonly #returned = new Set<string>();

  constructor(channel: ConfirmChannel, exchange: string) {
    this.#channel = channel;
    this.#exchange = exchange;
    // The broker returns what no queue is bound for before it confirms it.
    channel.on("return", ({ fields, content }: Message) => this.#returned.add(nameOf(fields.routingKey, content)));
  }

  /**
   * Answers once the broker has taken the message, or has told that no queue is bound for it; that is told of messages
   * alone that must reach one. Throws if the broker does not confirm it in time or goes away: nobody knows then.
   */
  async publish({ routingKey, content }: BusMessage, mustArrive: boolean, milliseconds: number): Promise<Verdict> {
    // One that came back after it was given up says nothing of this try.
    this.#returned.delete(nameOf(routingKey, content));
    if (this.#returned.size > MOST_RETURNED) this.#returned.clear();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Headers and delivery mode as the original sets them, and no more.
    const options = { deliveryMode: 2, headers: {}, mandatory: mustArrive };
    this.#channel.publish(this.#exchange, routingKey, content, options, (error: unknown) => {
      if (error === null || error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error("The broker refused the message."));
    });
    const timer = setTimeout(() => reject(new Error("The broker does not confirm the message.")), milliseconds);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
    return this.#returned.delete(nameOf(routingKey, content)) ? "unrouted" : "confirmed";
  }
}

const nameOf = (routingKey: string, content: Buffer): string => `${routingKey} ${content.toString("latin1")}`;
