import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";

import type { TemplateJob } from "../../src/index.ts";
import type { JobFacts } from "../../src/templates/job-model.ts";
import type { Answer, Caller } from "../support/api.ts";
import { orders } from "./given.ts";

export const patient = { timeout: 60_000, interval: 20 };

/** Values that fitted at first do not any more. */
export const narrower = () => ({
  variables: { ...orders().variables, batchSize: { schema: { type: "integer", maximum: 500 }, default: 50 } },
});

export const objectOf = (job: string) => env.TEMPLATE_JOB.getByName(job);
export const ring = (job: string) => runDurableObjectAlarm(objectOf(job));

/** Makes many instances of one, past the API; every two hundredth has a large batch. */
export async function multiply(id: string, upTo: number): Promise<void> {
  await env.DB.prepare(
    `INSERT INTO flows (pos, id, home, document, search_text, revision, revised_at, revised_by, revision_note, created_at, updated_at, status, status_seq, tries)
     WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?2)
     SELECT pos + n, substr(id, 1, 18) || printf('%06x', n), home, json_set(document, '$.instance.values.batchSize', CASE WHEN n % 200 = 7 THEN 900 ELSE 9 END),
       search_text, 1, revised_at, revised_by, revision_note, created_at, updated_at, 'inactive', 0, 0
     FROM flows CROSS JOIN n WHERE id = ?1`,
  )
    .bind(id, upTo - 1)
    .run();
}

/** Does something inside a job's object. */
export const inside = <R>(job: string, act: (object: TemplateJob, state: DurableObjectState) => R | Promise<R>) =>
  runInDurableObject(objectOf(job), act);

/** Changes bindings of a job's object until it is evicted. */
export const rebind = (job: string, changed: Record<string, unknown>): Promise<void> =>
  inside(job, (instance) => {
    const object = instance as unknown as { env: Record<string, unknown> };
    object.env = { ...object.env, ...changed };
  });

/** Puts the alarm and all waits off, so that only `ringOn` has the job go on. */
const putOff = (job: string): Promise<void> =>
  inside(job, async (_, { storage }) => {
    const alarm = await storage.getAlarm();
    if (alarm !== null) await storage.setAlarm(Math.max(alarm, Date.now() + 3600_000));
  });

/** Lets all that is waited for come due, and one portion be worked off. Answers for when the alarm was set after it. */
export async function ringOn(job: string): Promise<number | null> {
  await inside(job, (_, { storage }) => void storage.sql.exec("UPDATE instances SET due = 0"));
  await ring(job);
  const alarm = await inside(job, (_, { storage }) => storage.getAlarm());
  await putOff(job);
  return alarm;
}

/** Begins a job with other bindings, past the API; it works nothing off before it is rung. */
export async function beginWith(
  caller: Caller,
  templateId: string,
  bindings: Record<string, unknown>,
  changed: Partial<JobFacts> = {},
): Promise<string> {
  const id = `job_${crypto.randomUUID().replaceAll("-", "")}`;
  const { sub, tenant = null } = caller;
  const facts: JobFacts = {
    id,
    kind: "start",
    templateId,
    revision: null,
    restart: false,
    by: { sub, tenant, isAdmin: false },
    reach: tenant === null ? [sub] : [sub, tenant],
    requestId: "a test",
    fingerprint: null,
    total: 0,
    ...changed,
  };
  await rebind(id, bindings);
  await inside(id, async (object, { storage }) => {
    await object.begin(facts, undefined);
    await storage.setAlarm(Date.now() + 3600_000);
  });
  return id;
}

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
