import { describe, expect, it } from "vitest";

import { toldDocument } from "../flows/instance.ts";
import type { TemplateForm } from "../flows/variables.ts";
import { upgraded } from "./upgrade.ts";

const form = (changed: Partial<TemplateForm> = {}): TemplateForm => ({
  graph: { nodes: [{ id: "a", componentId: "log", function: "x" }], edges: [] },
  variables: { size: { schema: { type: "integer" }, default: 5 }, crm: { secret: true } },
  type: "ordinary",
  cron: "0 1 * * *",
  flowSettings: { a: 1 },
  ...changed,
});

const instance = (changed: Record<string, unknown> = {}, values: Record<string, unknown> = {}) =>
  toldDocument(
    {
      name: "Ours",
      owners: [],
      type: "ordinary",
      cron: "0 1 * * *",
      flowSettings: { a: 1 },
      fromTemplate: "t",
      ...changed,
      instance: { revision: 1, values },
    },
    form(),
  );

const result = (present: ReturnType<typeof instance>, to: TemplateForm) => {
  const made = upgraded(present, form(), to, 7);
  if ("faults" in made) return made.faults.map(({ pointer }) => pointer);
  const { name, type, cron, flowSettings } = made.document;
  return { name, type, cron, flowSettings, ...made.document.instance };
};

describe("an instance at another revision", () => {
  const to = form({ type: "new", cron: "0 2 * * *", flowSettings: { a: 2 } });
  const same = { revision: 7, values: {}, effective: { size: 5 }, missing: [] };

  it.each([
    ["follows its template", {}, { name: "Ours", type: "new", cron: "0 2 * * *", flowSettings: { a: 2 } }],
    [
      "keeps its own schedule",
      { cron: "0 9 * * *" },
      { name: "Ours", type: "new", cron: "0 9 * * *", flowSettings: { a: 2 } },
    ],
    ["keeps that it has none", { cron: null }, { name: "Ours", type: "new", cron: null, flowSettings: { a: 2 } }],
    [
      "keeps its own settings",
      { flowSettings: {} },
      { name: "Ours", type: "new", cron: "0 2 * * *", flowSettings: {} },
    ],
  ])("%s", (_, changed, expected) => {
    expect(result(instance(changed), to)).toEqual({ ...expected, ...same });
  });

  it.each([
    ["a value that does not fit", { size: { schema: { type: "string" } } }, { size: 3 }, ["/instance/values/size"]],
    ["a value that is required now", { size: {}, region: { required: true } }, {}, ["/instance/values/region"]],
    ["a value that is a secret now", { size: { secret: true } }, { size: 3 }, ["/instance/values/size"]],
  ])("is refused for %s", (_, variables, values, expected) => {
    expect(result(instance({}, values), form({ variables }))).toEqual(expected);
  });

  it("loses the values of variables that are gone", () => {
    expect(result(instance({}, { size: 3 }), form({ variables: {} }))).toMatchObject({ values: {}, effective: {} });
  });
});
