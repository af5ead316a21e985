import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";

import { Directory, FRESH_MS, RENEW_MS } from "../../src/gateway/directory.ts";
import type { Caller } from "../support/api.ts";
import { apiOf, flowsOf, liveApi } from "../support/gateway.ts";
import { someone } from "../support/given.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});

const setStatus = (id: string, status: string) =>
  env.DB.prepare("UPDATE flows SET status = ? WHERE id = ?").bind(status, id).run();

/** The database, and how often it was asked. */
class Counted {
  trips = 0;
  isDown = false;

  readonly env = {
    ...env,
    LOG_LEVEL: "silent",
    DB: { withSession: (from: string) => this.#session(from) },
  } as unknown as Env;

  #ask<T>(run: () => T): T {
    this.trips += 1;
    if (this.isDown) throw new Error("D1 is down");
    return run();
  }

  #session(from: string) {
    const session = env.DB.withSession(from);
    return {
      batch: (statements: { bound: D1PreparedStatement }[]) =>
        this.#ask(() => session.batch(statements.map(({ bound }) => bound))),
      prepare: (text: string) => ({
        bind: (...values: unknown[]) => {
          const bound = session.prepare(text).bind(...values);
          return { bound, all: () => this.#ask(() => bound.all()) };
        },
      }),
      getBookmark: () => session.getBookmark(),
    };
  }
}

describe("what an isolate knows of the APIs", () => {
  it("is read once, renewed beside a call after a while, and waited for after 5 s", async () => {
    const { id, base } = await liveApi(caller);
    const world = new Counted();
    const directory = new Directory(world.env);
    const deferred: Promise<unknown>[] = [];
    const at = (now: number) => directory.freshen(now, (promise) => deferred.push(promise));
    const isThere = () => directory.find(`${base}/orders/1`, undefined) !== undefined;

    await at(1_000_000);
    expect([isThere(), world.trips]).toEqual([true, 1]);
    expect((await directory.liveApi(id))!.facts.id).toBe(id);
    await directory.liveApi(id);
    await at(1_000_000 + RENEW_MS - 1);
    expect([world.trips, deferred.length]).toEqual([2, 0]);

    await setStatus(id, "inactive");
    await at(1_000_000 + RENEW_MS);
    expect([isThere(), deferred.length]).toEqual([true, 1]);
    await at(1_000_000 + RENEW_MS);
    expect(deferred).toHaveLength(1);
    await Promise.all(deferred);
    expect([isThere(), await directory.liveApi(id)]).toEqual([false, undefined]);

    await setStatus(id, "active");
    await at(1_000_000 + RENEW_MS + FRESH_MS);
    expect([isThere(), deferred.length]).toEqual([true, 1]);
  });

  it("costs a call nothing while it is fresh, whatever path is asked for", async () => {
    const { id } = await liveApi(caller);
    const world = new Counted();
    const directory = new Directory(world.env);
    await directory.freshen(1_000_000, () => undefined);
    await directory.liveApi(id);
    const before = world.trips;
    for (let at = 0; at < 100; at += 1) {
      await directory.freshen(1_000_000 + at, () => undefined);
      directory.find(`/none/${at}`, undefined);
      await directory.liveApi(id);
    }
    expect(world.trips).toBe(before);
  });

  it("is a new revision as a whole, and a call keeps the one that it has", async () => {
    const { id } = await liveApi(caller);
    const directory = new Directory(env);
    await directory.freshen(1_000_000, () => undefined);
    const old = (await directory.liveApi(id))!;
    await env.DB.prepare(
      "UPDATE flows SET document = json_set(document, '$.api.settings.traceSampling', 0.5), revision = revision + 1 WHERE id = ?",
    )
      .bind(id)
      .run();
    await directory.freshen(1_000_000 + FRESH_MS, () => undefined);
    const live = (await directory.liveApi(id))!;
    expect([old.sampling, old.facts.revision, live.sampling, live.facts.revision]).toEqual([0, 1, 0.5, 2]);
    expect((await directory.liveApi(id, 1))!.sampling).toBe(0);
    expect(await directory.liveApi(id, 7)).toBeUndefined();
  });

  it("goes on while the database does not answer, and begins nowhere without it", async () => {
    const { base } = await liveApi(caller);
    const world = new Counted();
    const directory = new Directory(world.env);
    await directory.freshen(1_000_000, () => undefined);
    world.isDown = true;
    await directory.freshen(1_000_000 + FRESH_MS, () => undefined);
    expect(directory.find(`${base}/orders/1`, undefined)).toBeDefined();
    await expect(directory.freshen(1_000_000 + 3_600_000, () => undefined)).rejects.toThrow("NO DB");
    await expect(new Directory(world.env).freshen(1, () => undefined)).rejects.toThrow("NO DB");
    world.isDown = false;
    await directory.freshen(1_000_000 + 3_600_000, () => undefined);
    expect(directory.find(`${base}/orders/1`, undefined)).toBeDefined();
  });

  it("is read anew after the database was set back to an earlier time", async () => {
    const { base } = await liveApi(caller);
    const directory = new Directory(env);
    await directory.freshen(1_000_000, () => undefined);
    await env.DB.prepare("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'gateway_changes'").run();
    await env.DB.prepare("DELETE FROM open_apis WHERE base_path = ?").bind(base).run();
    await directory.freshen(1_000_000 + FRESH_MS, () => undefined);
    expect(directory.find(`${base}/orders/1`, undefined)).toBeUndefined();
  });

  it("is read anew after a silence longer than changes are kept", async () => {
    const first = await liveApi(caller);
    const directory = new Directory(env);
    await directory.freshen(1_000_000, () => undefined);
    await setStatus(first.id, "inactive");
    const second = await liveApi(caller, apiOf({ flows: flowsOf() }));
    await env.DB.prepare("DELETE FROM gateway_changes").run();
    await directory.freshen(1_000_000 + 3_600_000, () => undefined);
    expect(directory.find(`${first.base}/orders/1`, undefined)).toBeUndefined();
    expect(directory.find(`${second.base}/orders/1`, undefined)).toBeDefined();
  });

  it("hears of apps and plans that change, also of those that were not there", async () => {
    const directory = new Directory(env);
    await directory.freshen(1_000_000, () => undefined);
    const clientId = `app_${crypto.randomUUID().replaceAll("-", "").slice(0, 24)}`;
    expect(await directory.appOf(clientId)).toBeUndefined();
    await env.DB.prepare(
      "INSERT INTO apps (id, client_id, name, owners, enabled, fields, plans, secret_hashes, tokens_from, created_at, updated_at) VALUES (?, ?, 'App', '[]', 1, '{}', '[]', '[]', 0, 0, 0)",
    )
      .bind(clientId.slice(4), clientId)
      .run();
    expect(await directory.appOf(clientId)).toBeUndefined();
    await directory.freshen(1_000_000 + FRESH_MS, () => undefined);
    expect(await directory.appOf(clientId)).toMatchObject({ enabled: true });
    await env.DB.prepare("UPDATE apps SET enabled = 0 WHERE client_id = ?").bind(clientId).run();
    await directory.freshen(1_000_000 + 2 * FRESH_MS, () => undefined);
    expect(await directory.appOf(clientId)).toMatchObject({ enabled: false });
  });
});
