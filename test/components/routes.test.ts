import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { catalogue } from "../../src/components/catalogue.ts";
import type { Caller } from "../support/api.ts";
import { admin, flowOf, newId, someone } from "../support/given.ts";

const endpoint = "https://crm.example.com/process?key=hidden";
const mapped = { name: "CRM", endpoint };

const map = (caller: Caller, id: string, body: unknown, settings?: Record<string, unknown>) =>
  caller.call("mapComponent", { params: { id }, body, ...(settings === undefined ? {} : { env: settings }) });
const get = (caller: Caller, id: string) => caller.call("getComponentById", { params: { id } });
const unmap = (caller: Caller, id: string) => caller.call("unmapComponent", { params: { id } });
const rowsOf = (id: string) =>
  env.DB.prepare("SELECT count(*) AS n FROM components WHERE id = ?").bind(id.toLowerCase()).first<number>("n");

/** Pages until a component comes. */
async function listed(caller: Caller, id: string) {
  let query: string | undefined = "";
  while (query !== undefined) {
    const { body } = await caller.call("getComponents", { query });
    const found = body.data.find((one: { id: string }) => one.id === id);
    if (found !== undefined) return found;
    query = body.links.next?.split("?")[1];
  }
  return undefined;
}

describe("components that are built in", () => {
  it("are listed first, each with what it is for and a schema of its fields", async () => {
    const { status, body } = await (await someone()).call("getComponents");
    expect(status).toBe(200);
    const builtIn = body.data.filter(({ remote }: { remote: boolean }) => !remote);
    expect(builtIn.map(({ id }: { id: string }) => id)).toEqual([...catalogue.keys()]);
    for (const one of builtIn) {
      expect(one).toMatchObject({ name: one.id, remote: false, functions: [], fields: { type: "object" } });
      expect(one.kind).toMatch(/^(?:trigger|action)$/);
      expect(one.description).toMatch(/\w/);
    }
    expect(builtIn.filter(({ kind }: { kind: string }) => kind === "trigger")).toHaveLength(3);
  });

  it("are told one by one", async () => {
    const { body } = await get(await someone(), "http");
    expect(body.data).toMatchObject({ id: "http", kind: "action", remote: false });
    expect(body.data.fields.required).toEqual(["url"]);
    expect(body.data.fields.properties.timeout).toMatchObject({ default: 30, maximum: 300, examples: [30] });
  });

  it.each(["teleport", "constructor", "__proto__", "HTTP", "5ca5c44c187c040010a9bb8b", "%00", "' OR 1=1 --"])(
    "do not include %s",
    async (id) => {
      const { status, body } = await get(await someone(), id);
      expect([status, body.errors[0].error]).toEqual([404, "COMPONENT_NOT_FOUND"]);
    },
  );

  it("cannot be mapped elsewhere or taken away", async () => {
    const operator = await admin();
    for (const answer of [await map(operator, "http", mapped), await unmap(operator, "http")]) {
      expect([answer.status, answer.body.errors[0].error]).toEqual([400, "INVALID_ID"]);
    }
    expect((await get(operator, "http")).body.data.remote).toBe(false);
  });
});

describe("a mapped component", () => {
  it("is told, mapped anew and forgotten", async () => {
    const [operator, id] = [await admin(), newId()];
    const first = await map(operator, id, {
      ...mapped,
      description: "Persons.",
      secret: true,
      functions: [{ name: "poll", description: "Polls.", fields: { type: "object" } }],
    });
    expect(first.status).toBe(200);
    expect(first.body.data).toEqual({
      id,
      name: "CRM",
      kind: "action",
      description: "Persons.",
      remote: true,
      functions: [{ name: "poll", description: "Polls.", fields: { type: "object" } }],
      secret: true,
      endpoint,
      updatedAt: expect.any(String),
    });
    expect((await get(operator, id)).body.data).toEqual(first.body.data);
    expect(await listed(operator, id)).toEqual(first.body.data);
    const second = await map(operator, id, { name: "CRM 2", endpoint: "https://other.example.com/" });
    expect(second.body.data).toMatchObject({ name: "CRM 2", description: null, functions: [], secret: false });
    expect((await get(operator, id)).body.data).toEqual(second.body.data);
    expect((await unmap(operator, id)).body).toEqual({ msg: "Component was successfully unmapped" });
    for (const answer of [await get(operator, id), await unmap(operator, id)]) {
      expect([answer.status, answer.body.errors[0].error]).toEqual([404, "COMPONENT_NOT_FOUND"]);
    }
    expect(await rowsOf(id)).toBe(0);
  });

  it("is one in capitals and in small letters", async () => {
    const [operator, id] = [await admin(), newId()];
    await map(operator, id.toUpperCase(), mapped);
    expect((await get(operator, id)).body.data.id).toBe(id);
    expect((await get(operator, id.toUpperCase())).body.data.id).toBe(id);
    expect((await unmap(operator, id.toUpperCase())).status).toBe(200);
  });

  it("is known to whoever reads flows, but where it is only to admins", async () => {
    const [operator, reader, id] = [await admin(), await someone({ permissions: ["flows.read"] }), newId()];
    await map(operator, id, mapped);
    for (const told of [(await get(reader, id)).body.data, await listed(reader, id)]) {
      expect(told).toMatchObject({ id, name: "CRM", remote: true });
      expect(JSON.stringify(told)).not.toContain("hidden");
      expect(told).not.toHaveProperty("endpoint");
    }
    await unmap(operator, id);
  });

  it("is an admin's to map and to forget", async () => {
    const [operator, id] = [await admin(), newId()];
    const caller = await someone();
    expect((await map(caller, id, mapped)).status).toBe(403);
    expect(await rowsOf(id)).toBe(0);
    await map(operator, id, mapped);
    expect((await unmap(caller, id)).status).toBe(403);
    expect(await rowsOf(id)).toBe(1);
    await unmap(operator, id);
  });

  it("is told on pages", async () => {
    const operator = await admin();
    const ids = [newId(), newId(), newId()];
    for (const id of ids) await map(operator, id, mapped);
    const first = (await operator.call("getComponents", { query: { "page[size]": "1" } })).body;
    expect(first.data).toHaveLength(catalogue.size + 1);
    expect(first.links.next).toContain("page%5Bsize%5D=1");
    const second = (await operator.call("getComponents", { query: first.links.next.split("?")[1] })).body;
    expect(second.data).toHaveLength(1);
    expect(second.data[0].id > first.data.at(-1).id).toBe(true);
    for (const id of ids) expect(await listed(operator, id)).toMatchObject({ id });
    for (const id of ids) await unmap(operator, id);
  });

  it.each(["0", "101", "x", "1.5"])("is not told on pages of %s", async (size) => {
    const { status, body } = await (await someone()).call("getComponents", { query: { "page[size]": size } });
    expect([status, body.errors[0].parameter]).toEqual([400, "page[size]"]);
  });
});

const service = { fetch: () => Promise.resolve(new Response()) };

describe("where a component is", () => {
  it("may be a service binding that the Worker has", async () => {
    const [operator, id] = [await admin(), newId()];
    const body = { name: "CRM", binding: "COMPONENT_CRM" };
    const answer = await map(operator, id, body, { COMPONENT_CRM: service });
    expect(answer.body.data).toMatchObject({ id, binding: "COMPONENT_CRM" });
    expect(answer.body.data).not.toHaveProperty("endpoint");
    expect((await get(await someone(), id)).body.data).not.toHaveProperty("binding");
    await unmap(operator, id);
  });

  it("may be a private address if the operator allows it", async () => {
    const [operator, id] = [await admin(), newId()];
    const body = { name: "CRM", endpoint: "http://localhost:9000/" };
    expect((await map(operator, id, body, { HTTP_ALLOW_PRIVATE: "true" })).status).toBe(200);
    await unmap(operator, id);
  });

  it.each<[string, object, ...string[]]>([
    ["nowhere", { name: "x" }, "/endpoint"],
    ["at two places", { ...mapped, binding: "COMPONENT_CRM" }, "/binding"],
    ["without a name", { endpoint }, "/name"],
    ["with a name that is empty", { ...mapped, name: "" }, "/name"],
    ["with a name too long", { ...mapped, name: "x".repeat(201) }, "/name"],
    ["at an address without encryption", { name: "x", endpoint: "http://crm.example.com/" }, "/endpoint"],
    ["at a private address", { name: "x", endpoint: "https://10.0.0.1/" }, "/endpoint"],
    ["at a private name", { name: "x", endpoint: "https://metadata.google.internal/" }, "/endpoint"],
    ["at an address with a password", { name: "x", endpoint: "https://a:b@crm.example.com/" }, "/endpoint"],
    ["at no address", { name: "x", endpoint: "crm" }, "/endpoint"],
    ["at a binding of ours", { name: "x", binding: "DB" }, "/binding"],
    ["at a service that is no component", { name: "x", binding: "INTERNAL_API" }, "/binding"],
    ["at a binding that is no service", { name: "x", binding: "COMPONENT_TEXT" }, "/binding"],
    ["at a binding that there is not", { name: "x", binding: "COMPONENT_NONE" }, "/binding"],
    ["at a binding in small letters", { name: "x", binding: "COMPONENT_crm" }, "/binding"],
    ["with keys that are unknown", { ...mapped, url: "x" }, ""],
    ["with a secret in words", { ...mapped, secret: "yes" }, "/secret"],
    ["with functions that are none", { ...mapped, functions: [{}] }, "/functions/0/name"],
    ["with a function twice", { ...mapped, functions: [{ name: "a" }, { name: "a" }] }, "/functions/1/name"],
    [
      "with schemas that are none",
      {
        ...mapped,
        functions: [
          { name: "a", fields: { type: "strange" } },
          { name: "b", fields: [] },
        ],
      },
      "/functions/1/fields",
    ],
    [
      "with a schema that is not understood",
      { ...mapped, functions: [{ name: "a/b", fields: { type: "strange" } }] },
      "/functions/0/fields",
    ],
    [
      "with functions too large",
      { ...mapped, functions: [{ name: "a", fields: { description: "x".repeat(65_536) } }] },
      "/functions",
    ],
    [
      "in several ways wrong",
      { name: "x", binding: "COMPONENT_NONE", functions: [{ name: "a", fields: { $ref: "http://x" } }] },
      "/binding",
      "/functions/0/fields",
    ],
  ])("%s is refused at its place, and nothing is mapped", async (_, body, ...pointers) => {
    const [operator, id] = [await admin(), newId()];
    const { status, body: told } = await map(operator, id, body, {
      COMPONENT_CRM: service,
      COMPONENT_TEXT: "x",
      INTERNAL_API: service,
    });
    expect(status).toBe(400);
    expect(told.errors.map(({ error, pointer }: { error: string; pointer: string }) => [error, pointer])).toEqual(
      pointers.map((pointer) => ["INVALID_BODY", pointer]),
    );
    for (const { detail } of told.errors) expect(detail).toMatch(/\w/);
    expect(await rowsOf(id)).toBe(0);
  });
});

describe("what a step remembers", () => {
  it("goes with its flow", async () => {
    const caller = await someone();
    const [id, other] = [await flowOf(caller), await flowOf(caller)];
    const remember = env.DB.prepare("INSERT INTO snapshots (flow_id, step, updated_at, body) VALUES (?, 's', 0, '{}')");
    await env.DB.batch([remember.bind(id), remember.bind(other)]);
    expect((await caller.call("deleteFlow", { params: { id } })).status).toBe(200);
    const left = env.DB.prepare("SELECT flow_id FROM snapshots WHERE flow_id IN (?, ?)").bind(id, other);
    expect((await left.all()).results).toEqual([{ flow_id: other }]);
  });
});

describe("where another orchestrator runs the flows", () => {
  it("a check of a flow says nothing of components", async () => {
    const nodes = [
      { id: "a", componentId: "teleport", fields: 5 },
      { id: "b", componentId: newId() },
    ];
    const edges = [{ source: "a", target: "b", config: { condition: "(", mapper: "(" } }];
    const { body } = await (await someone()).call("validateFlow", { body: { graph: { nodes, edges } } });
    expect(body.data).toEqual({ valid: true, findings: [] });
  });
});
