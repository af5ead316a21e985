import { expect, it } from "vitest";

import { verdictOn, type Line, type Present, type Verdict } from "./verdict.ts";

const line: Line = { status: "inactive", updatedAt: 100, statusSeq: 0, sentStartId: undefined };
const here: Present = { isSameDocument: true, status: "inactive", updatedAt: 100, statusSeq: 0, startId: null };

it.each<[string, Partial<Line>, Partial<Present> | undefined, Verdict]>([
  ["nothing is here", {}, undefined, "imported"],
  ["it is here just so", {}, {}, "unchanged"],
  ["it is here just so, and newer", {}, { updatedAt: 200 }, "unchanged"],
  [
    "it is here just so, and was started and stopped here",
    {},
    { updatedAt: 200, statusSeq: 4, startId: "x" },
    "unchanged",
  ],
  ["it is newer, though the same", { updatedAt: 101 }, {}, "updated"],
  ["it is newer and another document", { updatedAt: 101 }, { isSameDocument: false }, "updated"],
  ["it is newer and of another status", { updatedAt: 101, status: "active" }, {}, "updated"],
  ["it is another document of the same time", {}, { isSameDocument: false }, "kept"],
  ["it is another document and older", {}, { isSameDocument: false, updatedAt: 101 }, "kept"],
  ["it is of another status and the same time", { status: "active" }, {}, "kept"],
  ["it is newer, but the status moved here", { updatedAt: 101 }, { isSameDocument: false, statusSeq: 1 }, "kept"],
  ["it is newer, but the status moved here and back", { updatedAt: 101 }, { statusSeq: 2 }, "kept"],
  [
    "an export is newer, of the same transition and start",
    { updatedAt: 101, statusSeq: 2, sentStartId: "s" },
    { statusSeq: 2, startId: "s" },
    "updated",
  ],
  [
    "an export is newer, of as many transitions but another start",
    { updatedAt: 101, statusSeq: 2, sentStartId: "s" },
    { statusSeq: 2, startId: "t" },
    "kept",
  ],
  [
    "an export is newer and never started, and here it was",
    { updatedAt: 101, sentStartId: null },
    { startId: "t" },
    "kept",
  ],
  [
    "an export is newer by transitions of its own",
    { updatedAt: 101, statusSeq: 4, sentStartId: "s" },
    { statusSeq: 2, startId: "s" },
    "kept",
  ],
  [
    "the original says nothing of starts",
    { updatedAt: 101, status: "active" },
    { status: "active", startId: "t" },
    "updated",
  ],
  ...(["starting", "stopping"] as const).flatMap((status): [string, Partial<Line>, Partial<Present>, Verdict][] => [
    [`it is here just so, and is ${status}`, { status }, { status }, "unchanged"],
    [`it is newer and the same, and here it is ${status}`, { status, updatedAt: 101 }, { status }, "kept"],
    [`it is newer, and here it is ${status}`, { updatedAt: 101 }, { status, isSameDocument: false }, "kept"],
    [`it is newer and ${status}, and here it is not`, { status, updatedAt: 101 }, {}, "updated"],
  ]),
])("where %s", (_, sent, present, verdict) => {
  expect(verdictOn({ ...line, ...sent }, present && { ...here, ...present })).toBe(verdict);
});

it.each<[string, boolean, number, Verdict]>([
  ["the same", true, 100, "unchanged"],
  ["newer", false, 101, "updated"],
  ["older", false, 99, "kept"],
])("a template that is %s has no transitions to look at", (_, isSameDocument, updatedAt, verdict) => {
  const present = { isSameDocument, status: "draft", updatedAt: 100 };
  expect(verdictOn({ status: "draft", updatedAt }, present)).toBe(verdict);
});
