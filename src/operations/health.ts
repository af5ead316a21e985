import { z } from "zod";

import { databaseOf } from "../db/client.ts";
import { backlogOf } from "../messages/outbox.ts";

const DEADLINE_MS = 900;
/** Messages that have waited longer mean that the queue does not take them. */
const LATE_SECONDS = 120;

const Verdict = z.enum(["pass", "fail"]);
const part = (description: string) =>
  z.object({ status: Verdict.meta({ description: "pass or fail.", example: "pass" }) }).meta({ description });

export const Health = z
  .object({
    status: Verdict.meta({ description: "pass if every part passes.", example: "pass" }),
    version: z
      .literal("0.0.6")
      .meta({ description: "Kept from the service that this one replaces.", example: "0.0.6" }),
    details: z
      .object({
        mongoDB: part("The storage, under the name that the original's probes read."),
        d1: part("The storage."),
        queue: part("Whether the queues take what is sent."),
        outbox: z
          .object({
            status: Verdict.meta({ description: "pass or fail.", example: "pass" }),
            pending: z
              .int()
              .nullable()
              .meta({ description: "Messages not yet handed to a queue; null if unknown.", example: 0 }),
            oldestSeconds: z.number().nullable().meta({ description: "Age of the oldest in seconds.", example: null }),
          })
          .meta({ description: "Messages on their way to a queue." }),
      })
      .meta({ description: "The parts." }),
  })
  .meta({ id: "Health", description: "Whether the service works." });
export type Health = z.infer<typeof Health>;

/** Asks the storage within a deadline, and judges the queues by how long messages have been waiting for them. */
export async function checkHealth(binding: D1Database, now: number): Promise<Health> {
  const backlog = await Promise.race([
    backlogOf(databaseOf(binding)).catch(() => undefined),
    new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), DEADLINE_MS)),
  ]);
  const oldestSeconds = backlog?.oldest ? Math.max(0, (now - backlog.oldest) / 1000) : null;
  const storage = backlog === undefined ? "fail" : "pass";
  const queue = backlog === undefined || (oldestSeconds !== null && oldestSeconds > LATE_SECONDS) ? "fail" : "pass";
  return {
    status: storage === "pass" && queue === "pass" ? "pass" : "fail",
    version: "0.0.6",
    details: {
      mongoDB: { status: storage },
      d1: { status: storage },
      queue: { status: queue },
      outbox: { status: queue, pending: backlog?.pending ?? null, oldestSeconds },
    },
  };
}
