import { describe, expect, it } from "vitest";

import type { JobFacts } from "./job-model.ts";
import { isControlling, isSeenBy, renewed, type Asking } from "./rights.ts";

const facts = (sub: string, tenant: string | null, isAdmin = false): JobFacts => ({
  id: "job",
  kind: "upgrade",
  templateId: "t",
  revision: 2,
  restart: false,
  by: { sub, tenant, isAdmin },
  reach: isAdmin ? null : tenant === null ? [sub] : [sub, tenant],
  requestId: "r",
  fingerprint: null,
  total: 1,
});
const asking = (sub: string, tenant: string | null, isAdmin = false, templateId = "t"): Asking => ({
  sub,
  tenant,
  isAdmin,
  templateId,
  mayControl: true,
});

describe("the rights of a job that is resumed", () => {
  it.each([
    ["by who began it, as before", facts("a", "x"), asking("a", "x"), ["a", "x"], false],
    ["in another tenant", facts("a", "x"), asking("a", "y"), ["a", "y"], false],
    ["without a tenant any more", facts("a", "x"), asking("a", null), ["a"], false],
    ["by an admin", facts("a", null, true), asking("a", null, true), null, true],
    ["by who is no admin any more", facts("a", "x", true), asking("a", "x"), ["a", "x"], false],
    ["by who became an admin since", facts("a", "x"), asking("a", "x", true), ["a", "x"], false],
  ] as const)("%s", (_, before, who, reach, isAdmin) => {
    const { by, ...after } = renewed(before, who)!;
    expect([by, after.reach]).toEqual([{ sub: who.sub, tenant: who.tenant, isAdmin }, reach]);
  });

  it.each([asking("b", "x"), asking("b", "y", true)])("are not taken from others: %j", (who) => {
    expect(renewed(facts("a", "x"), who)).toBeUndefined();
  });
});

it.each([
  ["who began it", asking("a", "x"), true],
  ["an admin", asking("b", null, true), true],
  ["a colleague", asking("b", "x"), false],
  ["who asks at another template", asking("a", "x", false, "u"), false],
  ["an admin at another template", asking("b", "x", true, "u"), false],
] as const)("%s sees a job: %j", (_, who, isSeen) => {
  expect(isSeenBy(facts("a", "x"), who)).toBe(isSeen);
});

it.each([
  ["upgrade", false, false],
  ["upgrade", true, true],
  ["start", false, true],
  ["stop", false, true],
] as const)("a job that is to %s, with restart %s, controls flows: %s", (kind, restart, expected) => {
  expect(isControlling({ kind, restart })).toBe(expected);
});
