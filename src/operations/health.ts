import { z } from "zod";

import { databaseOf } from "../db/client.ts";
import { inTime } from "../identity/answers.ts";
import { mailboxOf } from "../messages/mailbox.ts";
import { backlogOf } from "../messages/outbox.ts";
import { configOf } from "../platform/config.ts";

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
        bridge: z
          .object({
            status: Verdict.meta({ description: "pass or fail.", example: "pass" }),
            waiting: z
              .int()
              .nullable()
              .meta({ description: "Messages that the bridge has not settled yet; null if unknown.", example: 0 }),
            oldestSeconds: z.number().nullable().meta({ description: "Age of the oldest in seconds.", example: null }),
          })
          .optional()
          .meta({ description: "Where a bridge fetches here: what waits for it." }),
      })
      .meta({ description: "The parts." }),
  })
  .meta({ id: "Health", description: "Whether the service works." });
export type Health = z.infer<typeof Health>;

/** Asks the storage within a deadline, and judges queues and bridge by how long messages have been waiting for them. */
export async function checkHealth(env: Env, now: number): Promise<Health> {
  const [backlog, bridge] = await Promise.all([soon(backlogOf(databaseOf(env.DB))), bridgeHealth(env, now)]);
  const oldestSeconds = backlog === undefined ? null : ageOf(backlog.oldest, now);
  const storage = backlog === undefined ? "fail" : "pass";
  const queue = backlog === undefined ? "fail" : verdictOn(oldestSeconds);
  const all = [storage, queue, bridge?.status ?? "pass"];
  return {
    status: all.includes("fail") ? "fail" : "pass",
    version: "0.0.6",
    details: {
      mongoDB: { status: storage },
      d1: { status: storage },
      queue: { status: queue },
      outbox: { status: queue, pending: backlog?.pending ?? null, oldestSeconds },
      ...(bridge === undefined ? {} : { bridge }),
    },
  };
}

async function bridgeHealth(env: Env, now: number): Promise<Health["details"]["bridge"]> {
  if (configOf(env).BRIDGE !== "worker") return undefined;
  const standing = await soon(mailboxOf(env).standing());
  if (standing === undefined) return { status: "fail", waiting: null, oldestSeconds: null };
  const oldestSeconds = ageOf(standing.oldest, now);
  return { status: verdictOn(oldestSeconds), waiting: standing.backlog, oldestSeconds };
}

const ageOf = (since: number | null, now: number): number | null =>
  since === null ? null : Math.max(0, (now - since) / 1000);

const verdictOn = (oldestSeconds: number | null): "pass" | "fail" =>
  oldestSeconds !== null && oldestSeconds > LATE_SECONDS ? "fail" : "pass";

/** undefined if it fails or takes too long. */
const soon = <T>(answer: Promise<T>): Promise<T | undefined> =>
  inTime(
    DEADLINE_MS,
    answer.catch(() => undefined),
    () => undefined,
  );
