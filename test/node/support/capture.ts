import { connect, type ChannelModel, type ConsumeMessage, type MessageProperties } from "amqplib";

import { parted } from "./original.ts";

/** A message as it went over the bus. */
export interface Captured {
  readonly routingKey: string;
  readonly content: Buffer;
  readonly properties: MessageProperties;
}

export interface Capture {
  /** In the order of their arrival. */
  readonly messages: readonly Captured[];
  close(): Promise<void>;
}

const ignored = (): void => undefined;

/**
 * Collects all that is published on the bus from now on. Its queue ends with the broker: after a restart it makes a new
 * one within a fifth of a second, and misses what is published until then.
 */
export async function captureBus(url: string): Promise<Capture> {
  const messages: Captured[] = [];
  const keep = (message: ConsumeMessage | null): void => {
    if (message === null) return;
    const { content, properties, fields } = message;
    messages.push({ routingKey: fields.routingKey, content, properties });
  };
  let current: ChannelModel | undefined;
  const connection = await connect(url, {
    recovery: {
      calculateDelay: () => 100,
      setup: async (model: ChannelModel) => {
        // Nobody else listens yet, and an error without a listener ends the process.
        current = model.on("error", ignored);
        const channel = await model.createChannel();
        await channel.assertExchange("event-bus", "topic");
        const { queue } = await channel.assertQueue("", { exclusive: true });
        await channel.bindQueue(queue, "event-bus", "#");
        await channel.consume(queue, keep, { noAck: true });
      },
    },
  });
  connection.on("error", ignored);
  return { messages, close: () => parted(current ?? connection, () => connection.close()) };
}
