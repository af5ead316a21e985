import { afterEach, describe, expect, it, vi } from "vitest";

import { onboarding } from "../../src/workflows/example.ts";
import { admin, newId, someone } from "../support/given.ts";
import { costOf } from "../support/many.ts";
import { enforced, flowWith, ids, neighbours, refused, save, toldBy } from "./given.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("nobody is asked", () => {
  it.each<[string, object]>([
    ["built-in components", flowWith({ component: "http" }, { component: "transform" })],
    ["what is no id", flowWith({ component: "5ca5c44c187c040010a9bb8" }, { component: "abcdefghijkl" })],
    ["steps without either", flowWith({}, {})],
    ["workflows", { kind: "workflow", workflow: onboarding }],
  ])("about %s", async (_, body) => {
    const { settings, asked } = neighbours({ component: refused(404), secret: refused(404) });
    const saved = await save(await someone(), body, { ...settings, ...enforced });
    expect([saved.status, saved.body.meta, asked]).toEqual([201, {}, []]);
  });

  it.each(["COMPONENT_REPOSITORY_BASE_URL", "SECRET_SERVICE_BASE_URL"] as const)(
    "about what another service keeps, where only %s is set",
    async (name) => {
      const { settings, questions } = neighbours({ component: refused(404), secret: refused(404) });
      const saved = await save(await someone(), flowWith({ component: newId(), secret: newId() }), {
        [name]: settings[name],
      });
      expect(saved.body.meta.warnings).toHaveLength(1);
      const isOther = name === "SECRET_SERVICE_BASE_URL" ? "/components/" : "/secrets";
      expect(questions().filter((path) => path.includes(isOther))).toEqual([]);
    },
  );

  it("about components that an admin mapped, where flows run here; about others they are", async () => {
    const [mapped, other] = ids(2) as [string, string];
    await (
      await admin()
    ).call("mapComponent", {
      params: { id: mapped },
      body: { name: "CRM", endpoint: "https://crm.example.com/" },
    });
    const { settings, questions } = neighbours({ component: refused(404) });
    const { COMPONENT_REPOSITORY_BASE_URL } = settings;
    const flow = flowWith({ component: mapped.toUpperCase() }, { component: other });
    const caller = await someone();
    const here = await save(caller, flow, { COMPONENT_REPOSITORY_BASE_URL, ORCHESTRATOR: "embedded" });
    expect(toldBy(here)).toEqual(["COMPONENT_NOT_VISIBLE /graph/nodes/1/componentId"]);
    expect(questions()).toEqual([`/components/${other}`]);
    const elsewhere = await save(caller, flow, { COMPONENT_REPOSITORY_BASE_URL, ORCHESTRATOR: "external" });
    expect(toldBy(elsewhere)).toHaveLength(2);
  });
});

it("costs a save no statement, but where flows run here one for what is mapped", async () => {
  const caller = await someone();
  const flow = flowWith({ component: newId(), secret: newId() });
  const { settings } = neighbours();
  const { COMPONENT_REPOSITORY_BASE_URL } = settings;
  const trips = async (changed: object) =>
    costOf((await save(caller, flow, { SERVER_TIMING: "true", ...changed })).headers).trips;
  const before = await trips({});
  expect(await trips(settings)).toBe(before);
  expect(await trips({ COMPONENT_REPOSITORY_BASE_URL, ORCHESTRATOR: "embedded" })).toBe(before + 1);
});
