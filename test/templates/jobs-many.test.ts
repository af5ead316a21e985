import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { databaseWith } from "../support/faults.ts";
import { someone } from "../support/given.ts";
import { edit, instanceOf, templateOf } from "./given.ts";
import { begin, ended, jobOf, multiply, narrower, objectOf, patient, rebind, ring, watch } from "./jobs.ts";

const revisionsOf = async (templateId: string) =>
  (
    await env.DB.prepare(
      `SELECT document ->> '$.instance.revision' AS template, revision, count(*) AS n FROM flows WHERE from_template = ? GROUP BY 1, 2 ORDER BY 1, 2`,
    )
      .bind(templateId)
      .all<{ template: number; revision: number; n: number }>()
  ).results.map(({ template, revision, n }) => [template, revision, n]);

describe("an upgrade of 1,000 instances", () => {
  it("with five that do not fit, evicted halfway, upgrades each of the others once", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    await multiply(await instanceOf(caller, id), 1000);
    await edit(caller, id, narrower());
    const job = await begin(caller, "upgradeInstances", id, {});
    expect(job).toMatchObject({ revision: 2, counts: { total: 1000 } });
    await expect.poll(async () => (await jobOf(caller, id, job.id)).counts.done, patient).toBeGreaterThan(100);
    await evictDurableObject(objectOf(job.id));
    const halfway = await jobOf(caller, id, job.id);
    expect(halfway.state).toBe("running");
    expect(halfway.counts.done).toBeLessThan(995);
    await ring(job.id);
    const done = await ended(caller, id, job.id, { "filter[outcome]": "skipped" });
    expect(done.counts).toEqual({ total: 1000, waiting: 0, done: 995, same: 0, skipped: 5, failed: 0 });
    expect(done.instances).toHaveLength(5);
    for (const { errors } of done.instances) {
      expect(errors).toMatchObject([{ error: "INVALID_VALUES", pointer: "/instance/values/batchSize" }]);
    }
    expect(await revisionsOf(id)).toEqual([
      [1, 1, 5],
      [2, 2, 995],
    ]);
    const again = await ended(caller, id, (await begin(caller, "upgradeInstances", id, {})).id);
    expect(again.counts).toMatchObject({ done: 0, same: 995, skipped: 5 });
    const page = await watch(caller, id, job.id, { size: "600" });
    expect(page.body.data.instances).toHaveLength(600);
    const rest = await watch(caller, id, job.id, { size: "600", after: String(page.body.meta.after) });
    expect(rest.body.data.instances).toHaveLength(400);
    expect(rest.body.meta.after).toBeNull();
  }, 120_000);

  it("goes on after commits whose answers were lost, and counts them as its own", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    await multiply(await instanceOf(caller, id), 300);
    await edit(caller, id, narrower());
    const job = await begin(caller, "upgradeInstances", id, {});
    let lost = 0;
    await rebind(job.id, {
      DB: databaseWith(async ({ run, commits, sql }) => {
        const results = await run();
        const writes = commits || sql.some((text) => text.startsWith("UPDATE flows"));
        if (writes && (lost += 1) < 3) throw new Error("lost");
        return results;
      }),
    });
    await expect
      .poll(async () => {
        await ring(job.id);
        return (await jobOf(caller, id, job.id)).state;
      }, patient)
      .toBe("done");
    expect(lost).toBeGreaterThan(0);
    const { counts } = await jobOf(caller, id, job.id);
    expect(counts).toMatchObject({ done: 298, same: 0, skipped: 2 });
    expect(await revisionsOf(id)).toEqual([
      [1, 1, 2],
      [2, 2, 298],
    ]);
  }, 60_000);

  it("is paused, resumed and cancelled", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    await multiply(await instanceOf(caller, id), 300);
    await edit(caller, id, narrower());
    const job = await begin(caller, "upgradeInstances", id, {});
    const steer = (verb: string) => caller.call(`${verb}Job`, { params: { id, job: job.id } });
    expect((await steer("pause")).body.data.state).toBe("paused");
    await evictDurableObject(objectOf(job.id));
    const paused = (await jobOf(caller, id, job.id)).counts;
    await ring(job.id);
    await ring(job.id);
    expect((await jobOf(caller, id, job.id)).counts).toEqual(paused);
    expect(paused.done).toBeLessThan(298);
    expect((await steer("resume")).body.data.state).toBe("running");
    expect((await ended(caller, id, job.id)).counts).toMatchObject({ done: 298, skipped: 2 });
    for (const verb of ["pause", "resume", "cancel"]) {
      expect(await steer(verb)).toMatchObject({ status: 409, body: { errors: [{ error: "JOB_ENDED" }] } });
    }
    await edit(caller, id, { name: "Third" });
    const other = await begin(caller, "upgradeInstances", id, {});
    const cancelled = await caller.call("cancelJob", { params: { id, job: other.id } });
    expect(cancelled.body.data).toMatchObject({ state: "cancelled", endedAt: expect.any(String) });
    const at = (await jobOf(caller, id, other.id)).counts.done as number;
    expect(at).toBeLessThan(298);
  }, 60_000);
});
