import { describe, expect, it } from "vitest";

import { AppError, errorItem, type ErrorCode } from "../platform/errors.ts";
import type { Entry, Verdict } from "./job-model.ts";
import { groupsToTry, MOST_FAULTS, settled, verdictOn, verdictsOnThrown } from "./verdicts.ts";

const entry = (flowId: string, faults = 0, wasActive = false): Entry => ({
  flowId,
  faults,
  wasActive,
  writes: false,
  since: null,
});
const items = (...codes: ErrorCode[]) => codes.map((code) => errorItem(code));

describe("a fault of one instance", () => {
  it.each([
    [["STORAGE_UNAVAILABLE"], "waiting"],
    [["FLOW_UNAVAILABLE"], "waiting"],
    [["REVISION_CONFLICT"], "waiting"],
    [["INTERNAL"], "waiting"],
    [["FLOW_STOPPING"], "failed"],
    [["FLOW_NOT_FOUND"], "failed"],
    [["STORAGE_UNAVAILABLE", "INSTANCE_INCOMPLETE"], "failed"],
  ] as const)("%j is %s", (codes, outcome) => {
    expect(verdictOn(items(...codes)).outcome).toBe(outcome);
  });
});

describe("work that broke off", () => {
  const [one, two] = [entry("one"), entry("two")];
  it.each([
    [new AppError("STORAGE_UNAVAILABLE"), [one, two], "waiting", "STORAGE_UNAVAILABLE"],
    [new AppError("REVISION_NOT_FOUND"), [one, two], "waiting", "REVISION_NOT_FOUND"],
    [new AppError("REVISION_NOT_FOUND"), [one], "failed", "REVISION_NOT_FOUND"],
    [new AppError("STORAGE_UNAVAILABLE"), [one], "waiting", "STORAGE_UNAVAILABLE"],
    [new TypeError("a secret"), [one], "waiting", "INTERNAL"],
    ["a secret", [one, two], "waiting", "INTERNAL"],
  ] as const)("by %s with %j", (error, entries, outcome, code) => {
    const verdicts = verdictsOnThrown(error, entries);
    expect([...verdicts.keys()]).toEqual(entries.map(({ flowId }) => flowId));
    for (const verdict of verdicts.values()) {
      expect(verdict).toMatchObject({ outcome, errors: [{ error: code }] });
      expect(JSON.stringify(verdict)).not.toContain("a secret");
    }
  });
});

describe("what is settled", () => {
  const fault: Verdict = { outcome: "waiting", errors: items("STORAGE_UNAVAILABLE") };
  const last = MOST_FAULTS - 1;
  it.each([
    ["a fault", fault, entry("a", last - 1), "waiting"],
    ["the last fault", fault, entry("a", last), "failed"],
    ["a wait without a fault", { outcome: "waiting" }, entry("a", last), "waiting"],
    ["something done", { outcome: "done" }, entry("a", last), "done"],
  ] as const)("%s", (_, verdict, of, outcome) => {
    expect(settled(verdict, of)).toEqual({ ...verdict, outcome });
  });

  it("tells of an instance that may be left stopped", () => {
    expect(settled(fault, entry("a", last, true)).errors?.[0]?.detail).toContain("not started again");
    const told: Verdict = { outcome: "failed", errors: [errorItem("FLOW_STOPPING", { detail: "Why." })] };
    expect(settled(told, entry("a", 0, true)).errors?.[0]?.detail).toBe("Why.");
    expect(settled(fault, entry("a", 0, true))).toEqual(fault);
  });
});

describe("what is tried together", () => {
  const many = Array.from({ length: 15 }, (_, n) => entry(`faulty${n}`, 1));
  it.each([
    ["nothing", [], []],
    ["what met no fault", [entry("a"), entry("b")], [["a", "b"]]],
    ["whoever met one, by itself", [entry("a"), entry("b", 2), entry("c")], [["a", "c"], ["b"]]],
    ["not too many by themselves", many, many.slice(0, 10).map(({ flowId }) => [flowId])],
  ])("%s", (_, entries, expected) => {
    expect(groupsToTry(entries).map((group) => group.map(({ flowId }) => flowId))).toEqual(expected);
  });
});
