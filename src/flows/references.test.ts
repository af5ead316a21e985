import { describe, expect, it } from "vitest";

import { referencesIn } from "./references.ts";

const [component, secret] = ["5ca5c44c187c040010a9bb8b", "5ca5c44c187c040010a9bb8c"];
const flow = (...nodes: unknown[]) => ({ graph: { nodes } });
const place = "/graph/nodes/0";

describe("what a flow refers to", () => {
  it.each<[string, unknown, object[]]>([
    [
      "a step with all",
      flow({ componentId: component, function: "f", credentials_id: secret }),
      [
        {
          kind: "component",
          id: component,
          pointer: `${place}/componentId`,
          called: { name: "f", pointer: `${place}/function` },
        },
        { kind: "secret", id: secret, pointer: `${place}/credentials_id` },
      ],
    ],
    [
      "ids in capitals",
      flow({ componentId: component.toUpperCase() }),
      [{ kind: "component", id: component, pointer: `${place}/componentId` }],
    ],
    [
      "a step behind what is none",
      flow(null, "x", { credentials_id: secret }),
      [{ kind: "secret", id: secret, pointer: "/graph/nodes/2/credentials_id" }],
    ],
    [
      "an empty function",
      flow({ componentId: component, function: "" }),
      [{ kind: "component", id: component, pointer: `${place}/componentId` }],
    ],
    ["the kind integration", { kind: "integration", ...flow({ credentials_id: secret }) }, [{ id: secret }]],
    ["no kind", { kind: null, ...flow({ credentials_id: secret }) }, [{ id: secret }]],
    ["a workflow", { kind: "workflow", ...flow({ componentId: component }) }, []],
    ["an API", { kind: "api", ...flow({ componentId: component }) }, []],
    ["names and numbers", flow({ componentId: "http", credentials_id: 7 }), []],
    ["12 characters", flow({ componentId: "abcdefghijkl", credentials_id: "$vars.crm" }), []],
    ["a step without either", flow({ id: "step_1" }), []],
    ["no nodes", { graph: { nodes: "x" } }, []],
    ["no graph", {}, []],
    ["no object", null, []],
  ])("is read from %s", (_, input, references) => {
    expect(referencesIn(input)).toMatchObject(references);
    expect(referencesIn(input)).toHaveLength(references.length);
  });
});
