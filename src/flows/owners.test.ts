import { describe, expect, it } from "vitest";

import type { Actor } from "../identity/actor.ts";
import { AppError, errorItem } from "../platform/errors.ts";
import { ownersOfEdited, ownersOfNew } from "./owners.ts";

const actor = (more: Partial<Actor> = {}): Actor => ({
  sub: "me",
  tenant: "us",
  permissions: [],
  isAdmin: false,
  ...more,
});
const somebody = actor();
const loner = actor({ tenant: null });
const admin = actor({ isAdmin: true, permissions: ["all"] });

const me = { id: "me", type: "user" };
const us = { id: "us", type: "tenant" };
const stranger = { id: "stranger", type: "user" };
const strangers = { id: "strangers", type: "tenant" };

/** What was refused; undefined if nothing was. */
function refusal(make: () => unknown): AppError | undefined {
  try {
    make();
    return undefined;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

describe("a new flow", () => {
  it.each([
    ["without owners is its maker's and the tenant's", somebody, undefined, [me, us]],
    ["with null for owners too", somebody, null, [me, us]],
    ["with false for owners too", somebody, false, [me, us]],
    ["with an empty text for owners too", somebody, "", [me, us]],
    ["with an empty list of owners too", somebody, [], [me, us]],
    ["of somebody without a tenant is theirs alone", loner, undefined, [me]],
    ["keeps the maker where they stand and gets the tenant", somebody, [me], [me, us]],
    ["keeps the tenant where it stands and gets the maker", somebody, [us], [us, me]],
    ["keeps both as they stand", somebody, [us, me], [us, me]],
    ["keeps duplicates", somebody, [me, me, us, us], [me, me, us, us]],
    [
      "has its maker already if the id stands there with any type",
      somebody,
      [{ id: "me", type: "boss" }],
      [{ id: "me", type: "boss" }, us],
    ],
    [
      "has its tenant only if it stands there as a tenant",
      somebody,
      [me, { id: "us", type: "user" }],
      [me, { id: "us", type: "user" }, us],
    ],
    ["of an admin is also whose the admin says", admin, [stranger, strangers], [stranger, strangers, me, us]],
    [
      "keeps entries without an id, which the check will tell",
      somebody,
      [null, "x", {}, { type: "user" }],
      [null, "x", {}, { type: "user" }, me, us],
    ],
  ])("%s", (_, by, owners, expected) => {
    expect(ownersOfNew(by, { owners })).toEqual(expected);
  });

  it.each([5, "us", true, { 0: me }])("leaves %j, which is no list, for the check to tell", (owners) => {
    expect(ownersOfNew(somebody, { owners })).toEqual(owners);
  });

  it.each([
    ["a stranger", somebody, [stranger], ["/owners/0/id"]],
    ["another tenant", somebody, [me, us, strangers], ["/owners/2/id"]],
    ["several, each at its place", somebody, [stranger, me, strangers], ["/owners/0/id", "/owners/2/id"]],
    ["the same one twice", somebody, [stranger, stranger], ["/owners/0/id", "/owners/1/id"]],
    ["a stranger without a type", somebody, [{ id: "stranger" }], ["/owners/0/id"]],
    ["an id in another case", somebody, [{ id: "ME", type: "user" }], ["/owners/0/id"]],
    ["an id that is an object", somebody, [{ id: { $ne: 1 }, type: "user" }], ["/owners/0/id"]],
    ["an id that will become the text 5", somebody, [{ id: 5, type: "user" }], ["/owners/0/id"]],
    ["an id that will become the text 0", somebody, [{ id: 0, type: "user" }], ["/owners/0/id"]],
    ["an id that will become the text false", somebody, [{ id: false, type: "user" }], ["/owners/0/id"]],
    ["a tenant, by somebody without one", loner, [us], ["/owners/0/id"]],
    ["a tenant called null, by somebody without one", loner, [{ id: "null", type: "tenant" }], ["/owners/0/id"]],
  ])("cannot be given to %s", (_, by, owners, places) => {
    const refused = refusal(() => ownersOfNew(by, { owners }));
    expect(refused?.code).toBe("OWNER_NOT_ALLOWED");
    expect(refused?.items).toEqual(places.map((pointer) => errorItem("OWNER_NOT_ALLOWED", { pointer })));
  });

  it("that was made from a template loses the template's owners without a word", () => {
    const owners = [stranger, us, strangers, stranger];
    expect(ownersOfNew(somebody, { fromTemplate: "5ca5c44c187c040010a9bb8d", owners })).toEqual([us, me]);
    expect(refusal(() => ownersOfNew(somebody, { fromTemplate: null, owners }))?.items).toHaveLength(3);
    expect(refusal(() => ownersOfNew(somebody, { fromTemplate: "", owners }))?.items).toHaveLength(3);
  });

  it("that an admin made from a template keeps all owners that were asked for", () => {
    expect(ownersOfNew(admin, { fromTemplate: "5ca5c44c187c040010a9bb8d", owners: [stranger] })).toEqual([
      stranger,
      me,
      us,
    ]);
  });

  it("leaves what was sent as it was", () => {
    const input = { owners: [me] };
    ownersOfNew(somebody, input);
    expect(input).toEqual({ owners: [me] });
  });
});

describe("an edited flow", () => {
  it.each([
    ["keeps its owners if none are sent", somebody, [me, us], undefined, [me, us]],
    ["keeps its owners if null is sent", somebody, [me, us], null, [me, us]],
    ["keeps its owners if an empty list is sent", somebody, [me, us], [], [me, us]],
    ["keeps the tenant if only the user is sent", somebody, [me, us], [me], [me, us]],
    ["keeps the user if only the tenant is sent", somebody, [me, us], [us], [me, us]],
    ["keeps owners that the editor could not add", somebody, [stranger, us], [us], [stranger, us]],
    ["takes present owners that the editor could not add", somebody, [stranger, us], [us, stranger], [stranger, us]],
    ["gets its editor if they are sent", somebody, [us], [us, me], [us, me]],
    ["does not get its editor if they are not sent", somebody, [us], [us], [us]],
    ["gets its editor's tenant if it is sent", somebody, [me], [us], [me, us]],
    ["keeps duplicates that it has", somebody, [me, me, us], [me], [me, me, us]],
    [
      "gets an owner with another type beside the present one",
      somebody,
      [me],
      [{ id: "me", type: "boss" }],
      [me, { id: "me", type: "boss" }],
    ],
    ["gets entries without an id, which the check will tell", somebody, [me], [null, {}], [me, null, {}]],
    ["of an admin's choice has the owners that the admin sends", admin, [me, us], [stranger], [stranger]],
    ["of an admin's choice may have none", admin, [me, us], [], []],
    ["keeps its owners if an admin sends none", admin, [stranger], undefined, [stranger]],
    ["keeps its owners if an admin sends null", admin, [stranger], null, [stranger]],
  ])("%s", (_, by, present, asked, expected) => {
    expect(ownersOfEdited(by, present, asked)).toEqual(expected);
  });

  it.each([5, "us", false, "", 0, { 0: me }])("leaves %j, which is no list, for the check to tell", (asked) => {
    expect(ownersOfEdited(somebody, [me], asked)).toEqual(asked);
    expect(ownersOfEdited(admin, [me], asked)).toEqual(asked);
  });

  it.each([
    ["a stranger", somebody, [me, stranger], ["/owners/1/id"]],
    ["another tenant", somebody, [strangers], ["/owners/0/id"]],
    ["an id that will become the text 0", somebody, [{ id: 0, type: "user" }], ["/owners/0/id"]],
    ["a tenant, by somebody without one", loner, [{ id: "other", type: "tenant" }], ["/owners/0/id"]],
  ])("cannot be given to %s", (_, by, asked, places) => {
    const refused = refusal(() => ownersOfEdited(by, [me, us], asked));
    expect(refused?.code).toBe("OWNER_NOT_ALLOWED");
    expect(refused?.items).toEqual(places.map((pointer) => errorItem("OWNER_NOT_ALLOWED", { pointer })));
  });
});
