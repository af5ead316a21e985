import { describe, expect, it } from "vitest";

import { RIGHTS_MS } from "../../src/templates/rights.ts";
import type { Caller } from "../support/api.ts";
import { admin, everyPermission, newId, rowOf, someone } from "../support/given.ts";
import { edit, instanceOf, templateOf } from "./given.ts";
import { beginWith, inside, jobOf, ringOn } from "./jobs.ts";

const steer = (caller: Caller, verb: string, id: string, job: string) =>
  caller.call(`${verb}Job`, { params: { id, job } });

/** Lets a job have been begun long ago. */
const age = (job: string, by: number) =>
  inside(job, (_, { storage }) => void storage.sql.exec("UPDATE job SET renewed_at = renewed_at - ?", by));

const renewedAt = (job: string) =>
  inside(job, (_, { storage }) => storage.sql.exec<{ at: number }>("SELECT renewed_at AS at FROM job").one().at);

/** A template of the caller with an instance of theirs alone, one of a colleague, and one of a stranger. */
async function landscape() {
  const caller = await someone();
  const [colleague, stranger] = [await someone({ tenant: caller.tenant! }), await someone()];
  const id = await templateOf(caller, { status: "published" });
  const owners = [
    { id: caller.sub, type: "user" },
    { id: stranger.tenant, type: "tenant" },
  ];
  await edit(await admin(), id, { owners });
  const mine = await instanceOf(caller, id);
  const ours = await instanceOf(colleague, id);
  const theirs = await instanceOf(stranger, id);
  const started = async () => {
    const statuses = await Promise.all([mine, ours, theirs].map(async (flowId) => (await rowOf(flowId))?.status));
    return statuses.map((status) => status === "starting");
  };
  return { caller, id, started };
}

describe("a job that is not through after a day", () => {
  it.each(["running", "paused"])("is cancelled while it is %s, and tells why", async (state) => {
    const { caller, id, started } = await landscape();
    const job = await beginWith(caller, id, {});
    if (state === "paused") await steer(caller, "pause", id, job);
    await age(job, RIGHTS_MS);
    await ringOn(job);
    const ended = await jobOf(caller, id, job);
    expect(ended).toMatchObject({ state: "cancelled", endedAt: expect.any(String) });
    expect(ended.reason).toContain("24 hours");
    expect(await started()).toEqual([false, false, false]);
    expect((await steer(caller, "resume", id, job)).status).toBe(409);
  });

  it("wakes for it from a pause by itself", async () => {
    const { caller, id } = await landscape();
    const job = await beginWith(caller, id, {});
    await steer(caller, "pause", id, job);
    const alarm = () => inside(job, (_, { storage }) => storage.getAlarm());
    expect(await alarm()).toBe((await renewedAt(job)) + RIGHTS_MS);
    await ringOn(job);
    expect((await jobOf(caller, id, job)).state).toBe("paused");
    expect(await alarm()).toBe((await renewedAt(job)) + RIGHTS_MS);
  });

  it("is not resumed, though its alarm did not ring yet", async () => {
    const { caller, id, started } = await landscape();
    const job = await beginWith(caller, id, {});
    await steer(caller, "pause", id, job);
    await age(job, RIGHTS_MS);
    expect((await steer(caller, "resume", id, job)).body.errors).toMatchObject([{ error: "JOB_ENDED" }]);
    expect(await jobOf(caller, id, job)).toMatchObject({ state: "cancelled", reason: expect.any(String) });
    expect(await started()).toEqual([false, false, false]);
  });

  it("has a day again when whoever began it resumes it, but not when an admin does", async () => {
    const { caller, id } = await landscape();
    const job = await beginWith(caller, id, {});
    await steer(caller, "pause", id, job);
    await age(job, RIGHTS_MS - 60_000);
    const before = await renewedAt(job);
    await steer(await admin(), "resume", id, job);
    expect(await renewedAt(job)).toBe(before);
    await steer(caller, "resume", id, job);
    expect(await renewedAt(job)).toBeGreaterThan(before);
  });

  it("tells no reason if it was asked to end", async () => {
    const { caller, id } = await landscape();
    const job = await beginWith(caller, id, {});
    expect((await steer(caller, "cancel", id, job)).body.data).toMatchObject({ state: "cancelled", reason: null });
  });
});

const everywhere = (sub: string) => ({ by: { sub, tenant: null, isAdmin: true }, reach: null });
const resumed = async (change: (of: Awaited<ReturnType<typeof landscape>>) => Promise<[Caller, object]>) => {
  const given = await landscape();
  const [who, facts] = await change(given);
  const job = await beginWith(given.caller, given.id, {}, facts);
  await steer(given.caller, "pause", given.id, job);
  const answer = await steer(who, "resume", given.id, job);
  expect([answer.status, answer.body.data?.state]).toEqual([200, "running"]);
  await expect
    .poll(async () => {
      await ringOn(job);
      return (await jobOf(given.caller, given.id, job)).state;
    })
    .toBe("done");
  return given.started();
};

describe("a job that is resumed uses the rights", () => {
  it.each([
    ["that it had, if nothing changed", [true, true, false], async ({ caller }) => [caller, {}]],
    [
      "of the tenant that its beginner has now",
      [true, false, false],
      async ({ caller }) => [await someone({ sub: caller.sub, tenant: newId() }), {}],
    ],
    ["of an admin who is one no more", [true, true, false], async ({ caller }) => [caller, everywhere(caller.sub)]],
    [
      "that it had, if its beginner became an admin",
      [true, true, false],
      async ({ caller }) => [
        await someone({ sub: caller.sub, tenant: caller.tenant!, permissions: [...everyPermission, "all"] }),
        {},
      ],
    ],
    ["of its beginner, if an admin resumes it", [true, true, false], async () => [await admin(), {}]],
  ] as [string, boolean[], Parameters<typeof resumed>[0]][])("%s", async (_, expected, change) => {
    expect(await resumed(change)).toEqual(expected);
  });

  it("of nobody who may not start flows", async () => {
    const { caller, id, started } = await landscape();
    const job = await beginWith(caller, id, {});
    await steer(caller, "pause", id, job);
    const permissions = everyPermission.filter((name) => name !== "flows.control");
    const bereft = await someone({ sub: caller.sub, tenant: caller.tenant!, permissions });
    const refused = await steer(bereft, "resume", id, job);
    expect([refused.status, refused.body.errors[0].error]).toEqual([403, "MISSING_PERMISSION"]);
    expect((await jobOf(caller, id, job)).state).toBe("paused");
    expect(await started()).toEqual([false, false, false]);
    expect((await steer(bereft, "cancel", id, job)).status).toBe(200);
  });
});
