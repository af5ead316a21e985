import { describe, expect, it } from "vitest";

import { catalogue } from "../components/catalogue.ts";
import { faultOfComponents } from "./components.ts";

describe("the embedded orchestrator", () => {
  it.each([...catalogue.keys()])("knows the component %s", (componentId) => {
    expect(faultOfComponents([{ id: "n1", componentId }])).toBeUndefined();
  });

  it.each([
    ["absent", {}],
    ["null", { componentId: null }],
    ["empty", { componentId: "" }],
    ["undefined", { componentId: undefined }],
  ])("takes a step whose component is %s, which passes data on", (_, step) => {
    expect(faultOfComponents([{ id: "n1", ...step }])).toBeUndefined();
  });

  it("takes a graph without steps", () => {
    expect(faultOfComponents([])).toBeUndefined();
  });

  it.each(["5ca5c44c187c040010a9bb8b", "Http", "http ", "constructor", "toString", "__proto__", "0"])(
    "does not know the component %j and names it with its step",
    (componentId) => {
      const nodes = [{ id: "n1", componentId: "http" }, { id: "n2", componentId }, { id: "n3" }];
      expect(faultOfComponents(nodes)).toBe(`Unknown component: ${componentId} (step n2).`);
    },
  );

  it("knows the components that are mapped, and no others", () => {
    const [one, other] = ["5ca5c44c187c040010a9bb8b", "5ca5c44c187c040010a9bb8c"];
    const nodes = [
      { id: "n1", componentId: one },
      { id: "n2", componentId: "log" },
    ];
    expect(faultOfComponents(nodes, (id) => id === one)).toBeUndefined();
    expect(faultOfComponents(nodes, (id) => id === other)).toBe(`Unknown component: ${one} (step n1).`);
  });

  it("names every unknown component, but not more than can be read", () => {
    const nodes = Array.from({ length: 30 }, (_, index) => ({ id: `n${index}`, componentId: `c${index}` }));
    expect(faultOfComponents(nodes.slice(0, 2))).toBe("Unknown component: c0 (step n0), c1 (step n1).");
    const told = faultOfComponents(nodes) ?? "";
    expect(told).toContain("c9 (step n9)");
    expect(told).not.toContain("c10");
  });
});
