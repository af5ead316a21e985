import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { orders } from "./given.ts";

export const patient = { timeout: 60_000, interval: 20 };

/** Values that fitted at first do not any more. */
export const narrower = () => ({
  variables: { ...orders().variables, batchSize: { schema: { type: "integer", maximum: 500 }, default: 50 } },
});

export const objectOf = (job: string) => env.TEMPLATE_JOB.getByName(job);
export const ring = (job: string) => runDurableObjectAlarm(objectOf(job));

export async function begin(caller: Caller, operationId: string, id: string, body?: unknown, headers = {}) {
  const answer = await caller.call(operationId, { params: { id }, ...(body === undefined ? {} : { body }), headers });
  expect(answer.status).toBe(202);
  return answer.body.data as { id: string; counts: Record<string, number>; revision: number | null };
}

export const watch = (caller: Caller, id: string, job: string, query: Record<string, string> = {}): Promise<Answer> =>
  caller.call("getJob", { params: { id, job }, query });

export const jobOf = async (caller: Caller, id: string, job: string, query: Record<string, string> = {}) =>
  (await watch(caller, id, job, query)).body.data;

export async function ended(caller: Caller, id: string, job: string, query: Record<string, string> = {}) {
  await expect.poll(async () => (await jobOf(caller, id, job)).state, patient).toBe("done");
  return jobOf(caller, id, job, query);
}

export const outcomes = (job: { instances: { id: string; outcome: string }[] }) =>
  Object.fromEntries(job.instances.map(({ id, outcome }) => [id, outcome]));
