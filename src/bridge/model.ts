import { z } from "zod";

import { FlowDocument } from "../flows/model.ts";
import { Headers } from "../messages/model.ts";

export const MOST_AT_ONCE = 100;

const wholeText = (least: number, most: number, initial: string, description: string) =>
  z
    .string()
    .regex(/^\d{1,5}$/, `Use a whole number from ${least} to ${most}.`)
    .refine((text) => Number(text) >= least && Number(text) <= most, `Use a whole number from ${least} to ${most}.`)
    .default(initial)
    .meta({ description, example: initial });

export const PullQuery = z.object({
  most: wholeText(1, MOST_AT_ONCE, "100", "How many messages at most."),
  lease: wholeText(1, 3600, "30", "Seconds for which they are held back from others."),
  wait: wholeText(
    0,
    25,
    "0",
    "Seconds to wait, if there is none, until there is one. The answer is empty then: ask again.",
  ),
});

const leaseId = z
  .string()
  .regex(/^\d{1,16}\.[0-9a-f-]{36}$/, "Use the leaseId of a message as it was told.")
  .meta({
    description: "Names one handing out of a message.",
    example: "17.0b9c8a51-6a0e-4c12-9d9d-2f1d4f3f8a77",
  });

export const BusMessage = z
  .object({
    headers: z.object(Headers.shape).meta({ id: "MessageHeaders", description: "Headers of a message." }),
    payload: z.unknown().meta({ description: "What it is about.", example: { id: "6b0259e4ef2fe4ca09ca001d" } }),
  })
  .meta({ id: "BusMessage", description: "A message in the envelope of the Open Integration Hub's event bus." });

export const PulledAnswer = z
  .object({
    data: z
      .array(
        z
          .object({
            leaseId,
            since: z.iso.datetime().meta({
              description: "Since when it has waited for the bridge.",
              example: "2026-11-22T04:30:00.000Z",
            }),
            attempts: z.int().meta({ description: "How often it was handed out, this time included.", example: 1 }),
            message: BusMessage,
          })
          .meta({ id: "LeasedMessage", description: "A message that is handed out for a time." }),
      )
      .meta({
        description: "Messages in the order in which they are to be published; those of one flow never out of it.",
      }),
    meta: z
      .object({
        backlog: z
          .int()
          .meta({ description: "Messages that are waiting or handed out, counted up to 10,000.", example: 3 }),
        oldestSeconds: z
          .number()
          .nullable()
          .meta({ description: "Age of the oldest of them in seconds.", example: 0.2 }),
      })
      .meta({ id: "Backlog", description: "What there is for the bridge." }),
  })
  .meta({ id: "PulledMessagesAnswer", description: "Messages for the bus." });

export const SettleInput = z
  .strictObject({
    acks: z.array(leaseId).max(1000).default([]).meta({ description: "What the bus has taken." }),
    retries: z
      .array(
        z.strictObject({
          leaseId,
          delaySeconds: z.int().min(0).max(3600).default(0).meta({
            description: "Seconds after which it is handed out again.",
            example: 5,
          }),
        }),
      )
      .max(1000)
      .default([])
      .meta({ description: "What the bus has not taken." }),
  })
  .meta({
    id: "SettleInput",
    description: "What became of messages that were handed out.",
    example: { acks: ["17.0b9c8a51-6a0e-4c12-9d9d-2f1d4f3f8a77"] },
  });

export const SettledAnswer = z
  .object({
    data: z
      .object({
        acked: z.int().meta({ description: "Messages that were forgotten.", example: 1 }),
        retried: z.int().meta({ description: "Messages that will be handed out again.", example: 0 }),
      })
      .meta({ id: "Settled", description: "Leases that still held; the others settled nothing." }),
    meta: z.object({}).meta({ description: "Always empty here." }),
  })
  .meta({ id: "SettledAnswer", description: "What was settled." });

export const TakenAnswer = z
  .object({
    data: z
      .array(
        z
          .object({
            taken: z.boolean().meta({
              description: "true: it has had its effect or is kept, the bus may forget it. false: bring it again.",
              example: true,
            }),
            outcome: z.string().meta({
              description: "What it came to: move, same, stale, seen before, kept as dead letter, or an error.",
              example: "move",
            }),
          })
          .meta({ id: "TakenMessage", description: "What became of one message." }),
      )
      .meta({ description: "One entry per message, in its place." }),
    meta: z.object({}).meta({ description: "Always empty here." }),
  })
  .meta({ id: "TakenMessagesAnswer", description: "What became of the messages." });

export const FlowOfCommand = z
  .object({
    data: FlowDocument.meta({ description: "The document." }),
    meta: z.object({}).meta({ description: "Always empty here." }),
  })
  .meta({ id: "FlowOfCommand", description: "The document that a command refers to." });
