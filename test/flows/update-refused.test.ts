import { describe, expect, it } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { as } from "../support/api.ts";
import { flowOf, newId, outboxOf, rowOf, someone, strictFlow } from "../support/given.ts";

const patch = (caller: Caller, id: string, body: unknown): Promise<Answer> =>
  caller.call("updateFlow", { params: { id }, body });

/** The answer to an edit that must leave the flow and the outbox as they were. */
async function refused(caller: Caller, id: string, body: unknown): Promise<Answer> {
  const before = await rowOf(id);
  const answer = await patch(caller, id, body);
  expect(await rowOf(id)).toEqual(before);
  expect(await outboxOf(id)).toEqual([]);
  expect(answer.body.errors).toBeInstanceOf(Array);
  return answer;
}

describe("an edit is refused", () => {
  it.each(["starting", "active", "stopping"] as const)("while the flow is %s", async (status) => {
    const caller = await someone();
    const id = await flowOf(caller, {}, { status });
    for (const body of [{ name: "New" }, { status: "inactive", name: "New" }]) {
      const answer = await refused(caller, id, body);
      expect(answer.status).toBe(409);
      expect(answer.body).toEqual({
        errors: [{ message: `Flow is not inactive. Current status: ${status}`, code: 409, error: "FLOW_NOT_INACTIVE" }],
      });
    }
  });

  it.each(["active", "starting", "stopping", "on", 1, true])("if it sets the status %j", async (status) => {
    const caller = await someone();
    const { status: code, body } = await refused(caller, await flowOf(caller), { status });
    expect(code).toBe(400);
    expect(body.errors).toMatchObject([
      {
        message: "Flow status cannot be set manually. Use the flow start/stop end points instead.",
        error: "STATUS_NOT_WRITABLE",
        pointer: "/status",
      },
    ]);
  });

  it("of a flow that does not exist and of one of others, both alike", async () => {
    const caller = await someone();
    const foreign = await refused(caller, await flowOf(await someone()), { name: "Mine" });
    expect(foreign.status).toBe(404);
    expect(foreign.body).toEqual({ errors: [{ message: "Flow not found", code: 404, error: "FLOW_NOT_FOUND" }] });
    expect((await patch(caller, newId(), { name: "x" })).body).toEqual(foreign.body);
    expect((await patch(caller, "123456789012", { name: "x" })).body).toEqual(foreign.body);
  });

  it("of an active flow of others as of one that does not exist", async () => {
    const id = await flowOf(await someone(), {}, { status: "active" });
    expect((await refused(await someone(), id, { name: "x" })).status).toBe(404);
  });

  it.each(["flow", "6b0259e4ef2fe4ca09ca001", "überraschung"])("for the id %j", async (id) => {
    const { status, body } = await patch(await someone(), id, { name: "x" });
    expect(status).toBe(400);
    expect(body.errors).toHaveLength(1);
    expect(body.errors[0]).toMatchObject({ message: "Invalid id", code: 400, error: "INVALID_ID" });
  });

  it.each(["an inactive flow of one's own", "an active flow of one's own", "a flow of others", "no flow"])(
    "if the body carries the id of %s, and that one stays as it is",
    async (kind) => {
      const caller = await someone();
      const id = await flowOf(caller);
      const owner = kind === "a flow of others" ? await someone() : caller;
      const status = kind === "an active flow of one's own" ? "active" : "inactive";
      const other = kind === "no flow" ? newId() : await flowOf(owner, {}, { status });
      const before = await rowOf(other);
      const answer = await refused(caller, id, { id: other, name: "New" });
      expect(answer.status).toBe(400);
      expect(answer.body.errors).toMatchObject([{ code: 400, error: "ID_MISMATCH", pointer: "/id" }]);
      expect(await rowOf(other)).toEqual(before);
    },
  );

  it.each(["", "flow", "123456789012", 5, true, {}, ["x"]])("if the body carries the id %j", async (other) => {
    const caller = await someone();
    const { status, body } = await refused(caller, await flowOf(caller), { id: other, name: "New" });
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ code: 400, pointer: "/id" }]);
  });

  it.each([[[]], [[{ name: "New" }]], ["text"], [1], [true], [null]])("if its body is %j", async (sent) => {
    const caller = await someone();
    const { status, body } = await refused(caller, await flowOf(caller), sent);
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ code: 400, error: "INVALID_BODY" }]);
  });

  it.each([
    [{ graph: null }, "Flows require a graph.", "GRAPH_REQUIRED", "/graph"],
    [{ graph: {} }, "Flows require at least one node.", "NODES_REQUIRED", "/graph/nodes"],
    [{ graph: { nodes: [] } }, "Flows require at least one node.", "NODES_REQUIRED", "/graph/nodes"],
    [{ graph: { nodes: [{}] } }, "Flow nodes require an id.", "NODE_ID_REQUIRED", "/graph/nodes/0/id"],
    [
      { graph: { nodes: [{ id: "a" }, { id: "b" }] } },
      "Flows with more than one node require edges.",
      "EDGES_REQUIRED",
      "/graph/edges",
    ],
    [
      { graph: { nodes: [{ id: "a" }], edges: [{ source: "a", target: "z" }] } },
      'Edge target with id "z" could not be found among nodes.',
      "EDGE_TARGET_UNKNOWN",
      "/graph/edges/0/target",
    ],
    [{ cron: "x" }, "Invalid cron expression.", "CRON_INVALID", "/cron"],
    [
      { name: { a: 1 } },
      'Cast to string failed for value "{ a: 1 }" (type Object) at path "name"',
      "WRONG_TYPE",
      "/name",
    ],
  ])("if the flow would become %j", async (sent, message, error, pointer) => {
    const caller = await someone();
    const { status, body } = await refused(caller, await flowOf(caller), sent);
    expect(status).toBe(400);
    expect(body.errors).toHaveLength(1);
    expect(body.errors[0]).toMatchObject({ message, code: 400, error, pointer });
  });

  it("with all that is wrong at once", async () => {
    const caller = await someone();
    const { body } = await refused(caller, await flowOf(caller), { graph: {}, status: "active", cron: "x", name: [] });
    expect((body.errors as { error: string }[]).map((found) => found.error)).toEqual([
      "WRONG_TYPE",
      "NODES_REQUIRED",
      "STATUS_NOT_WRITABLE",
      "CRON_INVALID",
    ]);
  });

  it("under strict checks, for what the flow has held since before them", async () => {
    const caller = await someone();
    const strict = { FLOW_VALIDATION: "strict" };
    const params = { id: await flowOf(caller) };
    const { status, body } = await caller.call("updateFlow", { params, body: { name: "x" }, env: strict });
    expect(status).toBe(400);
    expect((body.errors as { message: string }[]).map((found) => found.message)).toEqual([
      "Flow nodes require a function.",
      "Flow nodes require a componentId.",
      "Flow nodes require a function.",
      "Flow nodes require a componentId.",
    ]);
    const { graph } = strictFlow();
    expect((await caller.call("updateFlow", { params, body: { graph }, env: strict })).status).toBe(200);
  });

  it("if the flow as a whole would exceed 1 MiB", async () => {
    const caller = await someone();
    const id = await flowOf(caller, { description: "d".repeat(600_000) });
    const { status, body } = await refused(caller, id, { flowSettings: { text: "s".repeat(600_000) } });
    expect(status).toBe(413);
    expect(body.errors).toMatchObject([{ message: "request entity too large", code: 413, error: "BODY_TOO_LARGE" }]);
    expect((await patch(caller, id, { description: null, flowSettings: { text: "s".repeat(600_000) } })).status).toBe(
      200,
    );
  });

  it("without the permission to write", async () => {
    const caller = await someone();
    const reader = await as({ ...caller, permissions: ["flows.read", "flows.control", "flows.bulk"] });
    const { status, body } = await refused(reader, await flowOf(caller), { name: "x" });
    expect([status, body.errors[0].message]).toEqual([403, "MISSING_PERMISSION"]);
  });
});
