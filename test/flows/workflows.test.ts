import { beforeEach, describe, expect, it } from "vitest";

import { onboarding } from "../../src/workflows/example.ts";
import type { Answer, Caller } from "../support/api.ts";
import { bringTo, exampleFlow, flowOf, rowOf, someone } from "../support/given.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});

const workflow = { name: "onboarding", commands: [{ command: "route", name: "basic", uri: "/basic" }] };
const flow = (more: object = {}) => ({ name: "Onboarding", kind: "workflow", workflow, ...more });
const add = (body: object): Promise<Answer> => caller.call("addFlow", { body });
const get = async (id: string) => (await caller.call("getFlowById", { params: { id } })).body.data;
const told = ({ body }: Answer): string[] =>
  body.errors.map(({ error, pointer }: { error: string; pointer: string }) => `${error} ${pointer}`);
const found = async (body: object, mode = "lenient") =>
  (await caller.call("validateFlow", { body, env: { FLOW_VALIDATION: mode } })).body.data as {
    valid: boolean;
    findings: { error: string; pointer: string; warning?: true; message: string }[];
  };
const pointersOf = async (script: object): Promise<string[]> =>
  (await found(flow({ workflow: { ...workflow, ...script } }))).findings.map(
    ({ error, pointer, warning }) => `${warning === true ? "warning " : ""}${error} ${pointer}`,
  );

describe("a flow of kind workflow", () => {
  it("is stored with its script and its defaults, and an empty graph", async () => {
    const answer = await add(flow());
    expect(answer.status).toBe(201);
    const stored = await get(answer.body.data.id);
    expect(stored).toMatchObject({
      kind: "workflow",
      status: "inactive",
      graph: { nodes: [], edges: [] },
      workflow: { ...workflow, access: "owners", expires: 28_800, log: false },
    });
    expect(answer.body.data.workflow).toEqual(stored.workflow);
  });

  it.each(["lenient", "strict"])("may be the whole example, as %s checks have it", async (mode) => {
    expect(await found(flow({ workflow: onboarding }), mode)).toMatchObject({ valid: true });
    const answer = await caller.call("addFlow", {
      body: flow({ workflow: onboarding }),
      env: { FLOW_VALIDATION: mode },
    });
    expect((await get(answer.body.data.id)).workflow).toEqual({ expires: 28_800, ...onboarding });
  });

  it("stands in the list beside integration flows, which have no script", async () => {
    const { id } = (await add(flow())).body.data;
    const plain = await flowOf(caller);
    const { data } = (await caller.call("getFlows")).body;
    const shown = Object.fromEntries(data.map((one: { id: string }) => [one.id, one]));
    expect(shown[id]).toMatchObject({ kind: "workflow", workflow: { name: "onboarding" } });
    expect(shown[plain]).not.toHaveProperty("workflow");
    expect((await get(plain)).workflow).toBeUndefined();
  });

  it.each([
    ["nodes", { graph: exampleFlow().graph }, ["GRAPH_NOT_WANTED /graph"]],
    ["no script", { workflow: undefined }, ["WRONG_TYPE /workflow"]],
    ["a script that is null", { workflow: null }, ["WRONG_TYPE /workflow"]],
    ["a script that is a list", { workflow: [] }, ["WRONG_TYPE /workflow"]],
    ["a script that is empty", { workflow: {} }, ["REQUIRED /workflow/name", "REQUIRED /workflow/commands"]],
  ])("with %s is refused", async (_, more, expected) => {
    const answer = await add(flow(more));
    expect([answer.status, told(answer)]).toEqual([400, expected]);
    const checked = await found(flow(more));
    expect(checked.valid).toBe(false);
    expect(checked.findings.map(({ error, pointer }) => `${error} ${pointer}`)).toEqual(expected);
  });

  it("takes an empty graph, as it is shown with one", async () => {
    expect((await add(flow({ graph: { nodes: [], edges: [] } }))).status).toBe(201);
  });

  it("of an unknown kind is refused, and a script of an integration flow is left out", async () => {
    expect((await add({ ...exampleFlow(), kind: "other" })).status).toBe(400);
    for (const kind of [undefined, null, "integration"]) {
      const answer = await add({ ...exampleFlow(), kind, workflow });
      expect(answer.status).toBe(201);
      expect((await get(answer.body.data.id)).workflow).toBeUndefined();
    }
    expect((await add({ name: "x", workflow })).status).toBe(400);
  });
});

const one = (command: object) => ({ commands: [command] });

describe("what is wrong with a script has its pointer", () => {
  it.each<[string, object, string[]]>([
    ["an unknown command", one({ command: "fly" }), ["COMMAND_UNKNOWN /workflow/commands/0/command"]],
    ["no command", one({}), ["COMMAND_REQUIRED /workflow/commands/0/command"]],
    ["a route without uri", one({ command: "route", namespace: "a" }), ["ROUTE_URI_REQUIRED /workflow/commands/0/uri"]],
    [
      "an exchange without url",
      one({ command: "exchange", name: "a" }),
      ["EXCHANGE_URL_REQUIRED /workflow/commands/0/url"],
    ],
    ["an unknown path", one({ command: "path", name: "none" }), ["PATH_UNKNOWN /workflow/commands/0/name"]],
    ["an unknown function", one({ command: "function", name: "none" }), ["FUNCTION_UNKNOWN /workflow/commands/0/name"]],
    [
      "an attribute that nothing sets",
      one({ command: "success", result: "{{none.x}}" }),
      ["ATTRIBUTE_UNSET /workflow/commands/0/result"],
    ],
    [
      "a broken expression",
      one({ command: "if", condition: "(", do: [] }),
      ["EXPRESSION_INVALID /workflow/commands/0/condition"],
    ],
    ["a key that is none", { ...one({ command: "success" }), colour: 1 }, ["KEY_UNKNOWN /workflow/colour"]],
    [
      "deep inside",
      one({ command: "if", condition: "true", do: [{ command: "path", name: "none" }] }),
      ["PATH_UNKNOWN /workflow/commands/0/do/0/name"],
    ],
  ])("%s", async (_, script, expected) => {
    expect(await pointersOf(script)).toEqual(expected);
    expect((await add(flow({ workflow: { ...workflow, ...script } }))).status).toBe(400);
  });

  it("all at once, and of what is only doubtful a warning that hinders nothing", async () => {
    const dead = { commands: [{ command: "success" }, { command: "log", message: "never" }] };
    const pointers = await pointersOf(dead);
    expect(pointers).toHaveLength(1);
    expect(pointers[0]).toContain("COMMAND_UNREACHABLE /workflow/commands/1");
    const both = await pointersOf({
      commands: [
        { command: "path", name: "a" },
        { command: "function", name: "b" },
      ],
    });
    expect(both).toEqual(["PATH_UNKNOWN /workflow/commands/0/name", "FUNCTION_UNKNOWN /workflow/commands/1/name"]);
    const flowFaults = await found(flow({ name: { a: 1 }, workflow: {} }));
    expect(flowFaults.findings.map(({ pointer }) => pointer)).toEqual(
      expect.arrayContaining(["/name", "/workflow/name"]),
    );
  });
});

const patch = (id: string, body: object) => caller.call("updateFlow", { params: { id }, body });

describe("an edit of a workflow", () => {
  it("replaces the script, makes a revision, and keeps the old one", async () => {
    const { id } = (await add(flow())).body.data;
    const script = { ...workflow, access: "public", commands: [{ command: "route", uri: "/other" }] };
    const answer = await patch(id, { workflow: script });
    expect([answer.status, answer.body.data.workflow]).toMatchObject([200, script]);
    expect((await rowOf(id))?.revision).toBe(2);
    expect((await patch(id, { name: "Other" })).body.data.workflow).toMatchObject(script);
    const old = await caller.call("getFlowRevision", { params: { id, revision: "1" } });
    expect(old.body.data.document.workflow).toMatchObject(workflow);
    const restored = await caller.call("restoreFlowRevision", { params: { id, revision: "1" } });
    expect(restored.status).toBe(200);
    expect((await get(id)).workflow).toMatchObject(workflow);
  });

  it("with a fault is refused and changes nothing", async () => {
    const { id } = (await add(flow())).body.data;
    const answer = await patch(id, { workflow: { ...workflow, commands: [{ command: "route", namespace: "a" }] } });
    expect([answer.status, told(answer)]).toEqual([400, ["ROUTE_URI_REQUIRED /workflow/commands/0/uri"]]);
    expect((await rowOf(id))?.revision).toBe(1);
    expect((await patch(id, { graph: exampleFlow().graph })).status).toBe(400);
    expect((await patch(id, { workflow: null })).status).toBe(400);
  });

  it("demands that it is inactive", async () => {
    const { id } = (await add(flow())).body.data;
    await bringTo(id, { status: "active" });
    expect((await patch(id, { workflow })).status).toBe(409);
  });

  it("may make a workflow of an integration flow and back", async () => {
    const id = await flowOf(caller);
    const made = await patch(id, { kind: "workflow", graph: { nodes: [], edges: [] }, workflow });
    expect(made.body.data).toMatchObject({ kind: "workflow", workflow });
    const back = await patch(id, { kind: "integration", graph: exampleFlow().graph });
    expect(back.status).toBe(200);
    expect((await get(id)).workflow).toBeUndefined();
  });
});
