import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../support/api.ts";
import { fetchApi, openFlow, route, rowOfExecution, started, walk } from "../support/executions.ts";
import { someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const basic = route("basic", {
  validate: { firstname: { rule: "string", max: 20 }, age: { rule: "number", min: 18 } },
});
const product = route("product", {
  export: { products: ["gold", "silver"], name: "{{basic.firstname}}" },
  validate: { product: { rule: "values", values: ["gold", "silver"] } },
});

describe("a walk through a workflow", () => {
  it("goes from route to route to its end, with a refusal and a step back", async () => {
    const asked = replaceNetwork(() => Response.json({ points: 7 }));
    const score = {
      command: "exchange",
      name: "score",
      url: "https://score.example/",
      method: "POST",
      body: { name: "{{basic.firstname}}", product: "{{product.product}}" },
    };
    const done = route("done", { terminal: true, export: { points: "{{score.points}}", who: "{{it.from}}" } });
    const { client, first } = await walk(caller, [basic, product, score, done], {}, { from: "campaign" });
    expect(first).toMatchObject({ status: 200, body: { uri: "/basic", terminal: false, backEnabled: false } });
    const refused = await client.submit({ age: "7" });
    expect([refused.status, refused.body]).toEqual([
      422,
      {
        errors: [
          { field: "firstname", message: "Required" },
          { field: "age", message: "Must be at least 18" },
        ],
      },
    ]);
    expect((await client.look()).body.uuid).toBe(first.body.uuid);
    const second = await client.submit({ firstname: "Joe", age: "42" });
    expect(second.body).toMatchObject({ uri: "/product", backEnabled: true, export: { name: "Joe" } });
    const again = await client.back({ product: "gold" });
    expect(again.body).toMatchObject({ uri: "/basic", payload: { firstname: "Joe", age: "42" }, backEnabled: false });
    expect(again.body.uuid).not.toBe(first.body.uuid);
    expect((await client.submit({ firstname: "Jane", age: 42 })).body).toMatchObject({
      uri: "/product",
      payload: { product: "gold" },
      export: { name: "Jane" },
    });
    const end = await client.submit({ product: "silver" });
    expect(end.body).toMatchObject({ uri: "/done", terminal: true, export: { points: 7, who: "campaign" } });
    expect(asked).toHaveLength(1);
    expect((await client.look()).body).toEqual(end.body);
    await expect
      .poll(() => rowOfExecution(client.uuid))
      .toMatchObject({ status: "terminated", outcome: '{"kind":"done"}' });
    expect((await client.submit({})).body).toMatchObject({ status: 400, code: "EXECUTION_TERMINATED" });
  });

  it("begins with a Location and a token of eight hours", async () => {
    const { name } = await openFlow(caller, { commands: [basic] });
    const answer = await fetchApi(`/api/executor/${name}`, { method: "POST" });
    const body = await answer.json<{ uuid: string; uri: string; token: string }>();
    expect([answer.status, answer.headers.get("location")]).toEqual([201, `http://flows.test${body.uri}`]);
    const claims = JSON.parse(atob(body.token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/"))) as object;
    expect(claims).toMatchObject({ jti: body.uuid, sub: "executor" });
    const { iat, exp } = claims as { iat: number; exp: number };
    expect(exp - iat).toBe(28_800);
  });

  it("answers the samples' path of the seed as well", async () => {
    const { client, first } = await walk(caller, [basic, product]);
    const post = (path: string, body: object) =>
      fetchApi(`/api/executor/${client.uuid}${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${client.token}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const next = await post("", { uuid: first.body.uuid, payload: { firstname: "Joe", age: 20 } });
    const shown = await next.json<{ uri: string; uuid: string }>();
    expect([next.status, shown.uri]).toEqual([200, "/product"]);
    const back = await post("/back", { uuid: shown.uuid });
    expect(await back.json()).toMatchObject({ uri: "/basic" });
  });

  it("is two writes of the database: its beginning and its end", async () => {
    const { client } = await walk(caller, [basic]);
    await expect.poll(() => rowOfExecution(client.uuid)).toMatchObject({ status: "running", ended_at: null });
    const end = await client.submit({ firstname: "Joe", age: 20 });
    expect(end.body).toMatchObject({ uri: "", terminal: true, backEnabled: false });
    await expect.poll(() => rowOfExecution(client.uuid)).toMatchObject({ status: "terminated" });
  });

  it("is not begun by strangers unless it is public, nor by owners without the permission", async () => {
    const { name, id } = await openFlow(caller, { access: "owners", commands: [basic] });
    await expect(started(name)).rejects.toThrow("WORKFLOW_NOT_FOUND");
    await expect(started(id)).rejects.toThrow("WORKFLOW_NOT_FOUND");
    expect((await started(name, undefined, caller.authorization)).uuid).toMatch(/^[0-9a-f-]{36}$/);
  });
});
