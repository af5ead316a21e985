import { describe, expect, it } from "vitest";

import type { Owner } from "../../src/flows/model.ts";
import type { Caller } from "../support/api.ts";
import { admin, flowOf, loner, newId, someone } from "../support/given.ts";
import { pageOf, sorts, walk } from "../support/pages.ts";
import { store, tenant, user } from "../support/rows.ts";

const BEGAN = Date.UTC(2026, 0, 1);

/**
 * The names of all flows that are listed, which must be the same and in order by every sort, on pages of two and of a
 * hundred, and as many as are counted. The flows are called and changed in the order in which they were stored.
 */
async function listed(caller: Caller, query = ""): Promise<string> {
  const found = new Set<string>();
  for (const sort of sorts) {
    for (const size of [2, 100]) {
      const first = await pageOf(caller, `sort=${sort}&page[size]=${size}&fields=name&${query}`);
      const pages = await walk(caller, first, "next");
      const names = pages.flatMap(({ body }) => (body.data as { name: string }[]).map((flow) => flow.name));
      for (const { body } of pages) expect(body.meta.total).toBe(names.length);
      found.add((sort.startsWith("-") ? names.toReversed() : names).join(" "));
    }
  }
  expect([...found]).toHaveLength(1);
  return [...found][0]!;
}

/** Stores a flow per entry, called by its key. */
const storeOwned = (all: Readonly<Record<string, readonly Owner[]>>) =>
  store(
    Object.entries(all).map(([name, owners], n) => ({
      name,
      owners,
      type: "ordinary",
      createdAt: BEGAN + n,
      updatedAt: BEGAN + 1000 + n,
    })),
  );

/** Two tenants, two members of the first and one of the second, somebody without a tenant, and whatever they own. */
async function village() {
  const [anna, dora, eve] = [await someone(), await someone(), await loner()];
  const bert = await someone({ tenant: anna.tenant! });
  const [one, two] = [anna.tenant!, dora.tenant!];
  const [a, b, d, e] = [anna, bert, dora, eve].map((caller) => user(caller.sub)) as [Owner, Owner, Owner, Owner];
  await storeOwned({
    "01-anna-one": [a, tenant(one)],
    "02-anna": [a],
    "03-bert-one": [b, tenant(one)],
    "04-bert": [b],
    "05-one": [tenant(one)],
    "06-one-two": [a, tenant(one), tenant(two)],
    "07-two-one": [d, tenant(two), tenant(one)],
    "08-anna-in-two": [d, tenant(two), a],
    "09-dora-two": [d, tenant(two)],
    "10-dora": [d],
    "11-eve": [e],
    "12-eve-with-anna": [e, a],
    "13-anna-with-eve": [a, e],
    "14-one-as-user": [d, user(one)],
    "15-anna-as-tenant": [b, tenant(anna.sub)],
    "16-twice": [a, a, { ...a, type: "admin" }, tenant(one), tenant(one), user(one)],
    "17-all": [tenant(two), user(one), a, b, d, e],
    "18-nobody": [],
    "19-strangers": [user(newId()), tenant(newId())],
  });
  return { anna, bert, dora, eve, one, two };
}

const numbers = (names: string): string => names.replaceAll(/(\d\d)-\S+/g, "$1");
const filtered = async (caller: Caller, owner: string) => numbers(await listed(caller, `filter[user]=${owner}`));

describe("the list of what somebody and their tenant own", () => {
  it("has every flow once, in order, whichever owner leads to it", async () => {
    const { anna, bert, dora, eve } = await village();
    expect(numbers(await listed(anna))).toBe("01 02 03 05 06 07 08 12 13 14 15 16 17");
    expect(numbers(await listed(bert))).toBe("01 03 04 05 06 07 14 15 16 17");
    expect(numbers(await listed(dora))).toBe("06 07 08 09 10 14 17");
    expect(numbers(await listed(eve))).toBe("11 12 13 17");
  });

  it.each(["filter[type]=ordinary", "filter[status]=inactive", "search=-", "filter[createdFrom]=2026-01-01T00:00:00Z"])(
    "is the same with %s, which all of them pass",
    async (filter) => {
      const { anna, eve } = await village();
      expect(numbers(await listed(anna, filter))).toBe("01 02 03 05 06 07 08 12 13 14 15 16 17");
      expect(numbers(await listed(eve, filter))).toBe("11 12 13 17");
    },
  );

  it("finds a single one of them by search", async () => {
    const { anna, bert } = await village();
    expect(numbers(await listed(anna, "search=with"))).toBe("12 13");
    expect(numbers(await listed(bert, "search=twice"))).toBe("16");
    expect(numbers(await listed(bert, "search=dora"))).toBe("");
    expect(numbers(await listed(bert, "search=strangers"))).toBe("");
  });

  it("has nothing of others for somebody who owns nothing", async () => {
    const { one } = await village();
    for (const caller of [await someone(), await loner(), await someone({ tenant: `${one}0` })]) {
      expect(await listed(caller)).toBe("");
    }
    expect(numbers(await listed(await someone({ tenant: one })))).toBe("01 03 05 06 07 14 16 17");
  });

  it("is one list for somebody whose account and tenant are the same", async () => {
    const both = newId();
    const caller = await someone({ sub: both, tenant: both });
    await storeOwned({
      "1": [user(both), tenant(both)],
      "2": [user(both)],
      "3": [tenant(newId()), tenant(both)],
      "4": [tenant(newId()), user(both), tenant(both)],
      "5": [tenant(newId())],
    });
    for (const one of [caller, await someone({ tenant: both })]) {
      expect(await listed(one)).toBe("1 2 3 4");
      expect(await listed(one, `filter[user]=${both}`)).toBe("1 2 3 4");
    }
  });

  it("is right however the ids of account, tenant and home sort", async () => {
    const ids = ["!", "0", "A", "a", "aa", "z", "ä", "😀"].map((id) => `${id}-${newId()}`);
    for (const home of ids) await store([{ owners: [tenant(home), ...ids.map(user)], name: home }]);
    for (const sub of ids) {
      for (const of of ids) {
        const caller = await someone({ sub, tenant: of });
        const { body } = await pageOf(caller, "page[size]=100&fields=id&sort=name");
        expect(body.meta.total).toBe(ids.length);
        expect(new Set((body.data as { id: string }[]).map((flow) => flow.id)).size).toBe(ids.length);
        expect(body.data).toHaveLength(ids.length);
      }
    }
  });
});

describe("filter[user]", () => {
  it("narrows to the flows of an owner, who may be anybody, and never widens", async () => {
    const { anna, bert, dora, eve, one, two } = await village();
    // Herself, her own tenant, a colleague, somebody of another tenant and it, somebody without one, and nobody.
    expect(await filtered(anna, anna.sub)).toBe("01 02 06 08 12 13 15 16 17");
    expect(await filtered(anna, one)).toBe("01 03 05 06 07 14 16 17");
    expect(await filtered(anna, bert.sub)).toBe("03 15 17");
    expect(await filtered(anna, dora.sub)).toBe("07 08 14 17");
    expect(await filtered(anna, two)).toBe("06 07 08 17");
    expect(await filtered(anna, eve.sub)).toBe("12 13 17");
    expect(await filtered(anna, newId())).toBe("");
    expect(await filtered(eve, anna.sub)).toBe("12 13 17");
    expect(await filtered(eve, one)).toBe("17");
    expect(await filtered(dora, two)).toBe("06 07 08 09 17");
    expect(await filtered(dora, anna.sub)).toBe("06 08 17");
  });

  it("goes together with other filters", async () => {
    const { anna, dora, one, two } = await village();
    expect(numbers(await listed(anna, `filter[user]=${dora.sub}&search=anna`))).toBe("08");
    expect(numbers(await listed(anna, `filter[user]=${dora.sub}&filter[type]=ordinary`))).toBe("07 08 14 17");
    expect(numbers(await listed(anna, `filter[user]=${two}&filter[status]=inactive&search=one`))).toBe("06 07");
    expect(numbers(await listed(anna, `filter[user]=${one}&filter[status]=active`))).toBe("");
    expect(numbers(await listed(anna, `filter[user]=${one}&search=ne&filter[type]=ordinary`))).toBe(
      "01 03 05 06 07 14",
    );
  });

  it("lets an admin see what anybody owns", async () => {
    const { anna, bert, one } = await village();
    const caller = await admin();
    expect(numbers(await listed(caller, `filter[user]=${anna.sub}`))).toBe("01 02 06 08 12 13 15 16 17");
    expect(numbers(await listed(caller, `filter[user]=${bert.sub}&filter[type]=ordinary`))).toBe("03 04 15 17");
    expect(numbers(await listed(caller, `filter[user]=${one}&search=one`))).toBe("01 03 05 06 07 14");
    expect(await listed(caller, `filter[user]=${newId()}`)).toBe("");
  });
});

describe("a flow whose owners an admin changes", () => {
  it("comes and goes in everybody's list and count", async () => {
    const [anna, dora, eve] = [await someone(), await someone(), await loner()];
    const id = await flowOf(anna, { name: "it", type: "ordinary" });
    await flowOf(anna, { name: "other", type: "ordinary" });
    const give = async (...owners: Owner[]) => {
      const edit = { params: { id }, body: { owners } };
      expect((await (await admin()).call("updateFlow", edit)).status).toBe(200);
    };
    const seenBy = async () => {
      const lists: string[] = [];
      for (const caller of [anna, dora, eve]) {
        const names = new Set<string>();
        for (const query of ["", "filter[type]=ordinary", "filter[status]=0", "search=t"]) {
          const { body } = await pageOf(caller, `${query}&fields=name`);
          expect(body.meta.total).toBe(body.data.length);
          names.add((body.data as { name: string }[]).map((flow) => flow.name).join(" "));
        }
        expect(names.size).toBe(1);
        lists.push([...names][0]!);
      }
      return lists;
    };
    const [a, one, two] = [user(anna.sub), tenant(anna.tenant!), tenant(dora.tenant!)];
    expect(await seenBy()).toEqual(["it other", "", ""]);
    await give(a, one, two);
    expect(await seenBy()).toEqual(["it other", "it", ""]);
    await give(two, one);
    expect(await seenBy()).toEqual(["it other", "it", ""]);
    await give(two);
    expect(await seenBy()).toEqual(["other", "it", ""]);
    await give(user(eve.sub));
    expect(await seenBy()).toEqual(["other", "", "it"]);
    await give(two, user(eve.sub), a);
    expect(await seenBy()).toEqual(["it other", "it", "it"]);
    await give();
    expect(await seenBy()).toEqual(["other", "", ""]);
    await give(a, a, one, one);
    expect(await seenBy()).toEqual(["it other", "", ""]);
    expect((await anna.call("deleteFlow", { params: { id } })).status).toBe(200);
    expect(await seenBy()).toEqual(["other", "", ""]);
  });
});
