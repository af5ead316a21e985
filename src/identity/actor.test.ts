import { describe, expect, it } from "vitest";

import { AppError } from "../platform/errors.ts";
import { actorFrom, can, type Actor } from "./actor.ts";

describe("the account of an actor", () => {
  it.each([
    ["sub", { sub: "a" }, "a"],
    ["_id", { _id: "b" }, "b"],
    ["sub rather than _id", { sub: "a", _id: "b" }, "a"],
    ["_id where sub is empty", { sub: "", _id: "b" }, "b"],
    ["_id where sub is no text", { sub: 7, _id: "b" }, "b"],
    ["sub of the claims", { claims: { sub: "c" } }, "c"],
    ["sub of the claims rather than of the answer", { sub: "a", claims: { sub: "c" } }, "c"],
    ["sub of the answer rather than _id of the claims", { sub: "a", claims: { _id: "c" } }, "a"],
    ["_id of the answer rather than of the claims", { _id: "b", claims: { _id: "c" } }, "b"],
    ["sub of the answer where the claims are null", { sub: "a", claims: null }, "a"],
    ["sub of the answer where the claims are text", { sub: "a", claims: "c" }, "a"],
  ])("is %s", (_, answer, sub) => {
    expect(actorFrom(answer).sub).toBe(sub);
  });

  it.each([
    ["nothing", {}],
    ["empty texts", { sub: "", _id: "" }],
    ["numbers", { sub: 1, _id: 2 }],
    ["objects", { sub: { $ne: "x" } }],
    ["null", { sub: null, _id: null }],
    ["_id in the claims only", { claims: { _id: "c" } }],
    ["a tenant and permissions only", { tenant: "t", permissions: ["all"] }],
  ])("is missing in an answer with %s, which makes the token invalid", (_, answer) => {
    expect(() => actorFrom(answer)).toThrow(
      expect.toSatisfy((error: unknown) => error instanceof AppError && error.code === "TOKEN_INVALID"),
    );
  });
});

describe("the tenant of an actor", () => {
  it.each([
    ["the one that is told", { tenant: "t" }, "t"],
    ["the one of the claims", { tenant: "t", claims: { tenant: "u" } }, "u"],
    ["null if none is told", {}, null],
    ["null if null is told", { tenant: null }, null],
    ["null if it is empty", { tenant: "" }, null],
    ["null if it is no text", { tenant: { id: "t" } }, null],
  ])("is %s", (_, answer, tenant) => {
    expect(actorFrom({ sub: "a", ...answer }).tenant).toBe(tenant);
  });
});

describe("the permissions of an actor", () => {
  it.each([
    ["those that are told", { permissions: ["flows.read", "x"] }, ["flows.read", "x"]],
    ["those of the claims", { permissions: ["all"], claims: { permissions: ["flows.read"] } }, ["flows.read"]],
    ["those of the answer where the claims name none", { permissions: ["x"], claims: { sub: "c" } }, ["x"]],
    ["none if none are told", {}, []],
    ["none if null is told", { permissions: null }, []],
    ["none if they are no list", { permissions: "all" }, []],
    ["the texts in a list that has others too", { permissions: ["flows.read", 1, null, ["all"]] }, ["flows.read"]],
    ["none of those that stand on roles", { roles: [{ permissions: ["all"] }], role: "ADMIN" }, []],
  ])("are %s", (_, answer, permissions) => {
    expect(actorFrom({ sub: "a", ...answer }).permissions).toEqual(permissions);
  });

  it.each([
    [["all"], true],
    [["flows.read", "all"], true],
    [["tenant.all"], false],
    [["ALL"], false],
    [[], false],
  ])("%j make an admin: %s", (permissions, isAdmin) => {
    expect(actorFrom({ sub: "a", isAdmin: !isAdmin, permissions }).isAdmin).toBe(isAdmin);
  });
});

const actor = (permissions: string[]): Actor => actorFrom({ sub: "a", permissions });

describe("can", () => {
  it.each([
    ["all", ["flows.read"]],
    ["all", ["flows.read", "anything.at.all"]],
    ["all", []],
  ])("lets %s do %j", (held, required) => {
    expect(can(actor([held]), ...required)).toBe(true);
  });

  it.each([
    [["tenant.all"], "tenant.all", true],
    [["tenant.all"], "tenant.account.read", true],
    [["tenant.all"], "tenant.flows.read", true],
    [["tenant.all"], "metadata.domains.crud", true],
    [["tenant.all"], "secrets.secret.readRaw", true],
    [["tenant.all"], "secrets.authClient.readRaw", true],
    [["tenant.all"], "rds.rawRecord.read", true],
    [["tenant.all"], "rds.rawRecord.write", true],
    [["tenant.all"], "rds.rawRecord.delete", false],
    [["tenant.all"], "metadata.domains.read", false],
    [["tenant.all"], "secrets.secret.delete", false],
    [["tenant.all"], "tenant.membership.read", false],
    [["tenant.all"], "tenant.anything", false],
    [["tenant.all"], "toString", false],
    [["tenant.all"], "tenant", false],
    [["tenant.all"], "tenants.read", false],
    [["tenant.all"], "all", false],
    [["tenant.all"], "flows.read", false],
    [["tenant.all"], "flows.write", false],
    [["tenant.all"], "flows.control", false],
    [["tenant.all"], "flows.bulk", false],
    [["tenant.all", "flows.read"], "flows.read", true],
    [["tenant.all", "flows.read"], "flows.write", false],
    [["flows.read"], "flows.read", true],
    [["flows.read"], "flows.write", false],
    [["flows.read"], "tenant.account.read", false],
    [["flows.bulk"], "flows.write", false],
    [["flows.*"], "flows.read", false],
    [["FLOWS.READ"], "flows.read", false],
    [["flows"], "flows.read", false],
    [[], "flows.read", false],
  ])("with %j judges %s as %s", (held, required, verdict) => {
    expect(can(actor(held), required)).toBe(verdict);
  });

  it.each([
    [["flows.read", "flows.write"], ["flows.read", "flows.write"], true],
    [["flows.read"], ["flows.read", "flows.write"], false],
    [["tenant.all"], ["tenant.roles.read", "rds.rawRecord.read"], true],
    [["tenant.all"], ["tenant.all", "flows.read"], false],
    [["tenant.all", "flows.read"], ["tenant.all", "flows.read"], true],
    // tenant.all stands in for the common list only if every one that is required is on it.
    [["tenant.all", "flows.read"], ["tenant.roles.read", "flows.read"], false],
  ])("with %j judges %j together as %s", (held, required, verdict) => {
    expect(can(actor(held), ...required)).toBe(verdict);
  });
});
