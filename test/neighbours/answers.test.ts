import { afterEach, describe, expect, it, vi } from "vitest";

import { newId, someone } from "../support/given.ts";
import { unique } from "../support/iam.ts";
import { component, flowWith, listOf, neighbours, refused, save, secret, toldBy, type Replies } from "./given.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const notThere = "COMPONENT_NOT_VISIBLE /graph/nodes/0/componentId";
const notTold = "NEIGHBOUR_UNAVAILABLE /graph/nodes/0/componentId";
const huge = () => component({ description: "x".repeat(1_100_000) });
const lost = (): never => {
  throw new TypeError("Network connection lost.");
};
const page = () => new Response("<html>Log in</html>", { headers: { "content-type": "text/html" } });
const elsewhere = () => Response.redirect("https://elsewhere.example/components/1", 302);

describe("a save, where the Component Repository answers", () => {
  it.each<[string, () => Response, string[]]>([
    ["200", () => component(), []],
    ["200 without more", () => Response.json({ data: {} }), []],
    ["403, it is private", refused(403, { errors: [{ message: "Not authorized" }] }), [notThere]],
    ["404, it is unknown", refused(404, { errors: [{ message: "Component is not found" }] }), [notThere]],
    ["401, it does not take the token", refused(401), [notTold]],
    ["500", refused(500, { errors: [{ message: "Cast to ObjectId failed" }] }), [notTold]],
    ["503", refused(503), [notTold]],
    ["302 to elsewhere", elsewhere, [notTold]],
    ["200 with a page", page, [notTold]],
    ["200 with nothing", () => new Response(null), [notTold]],
    ["200 with JSON of another form", () => Response.json([{ data: {} }]), [notTold]],
    ["200 with data that are none", () => Response.json({ data: null }), [notTold]],
    ["200 with more than is read", huge, [notTold]],
    ["nothing, for the connection is lost", lost, [notTold]],
  ])("%s, is stored all the same", async (_, answer, told) => {
    const caller = await someone();
    const { settings, asked } = neighbours({ component: answer });
    const saved = await save(caller, flowWith({ component: newId() }), settings);
    expect(saved.status).toBe(201);
    expect(toldBy(saved)).toEqual(told);
    expect(Object.keys(saved.body.meta)).toEqual(told.length === 0 ? [] : ["warnings"]);
    expect(asked).toHaveLength(1);
    const { body } = await caller.call("getFlowById", { params: { id: saved.body.data.id } });
    expect([body.data, body.meta]).toEqual([saved.body.data, {}]);
  });

  it("that it is unknown and that it is private in the same words", async () => {
    const caller = await someone();
    const id = newId();
    const words = [];
    for (const status of [403, 404]) {
      const { settings } = neighbours({ component: refused(status) });
      words.push((await save(caller, flowWith({ component: id }), settings)).body.meta.warnings);
    }
    expect(words[0]).toEqual(words[1]);
    expect(words[0]).toEqual([
      {
        message: `You cannot see the component ${id}.`,
        code: 400,
        error: "COMPONENT_NOT_VISIBLE",
        pointer: "/graph/nodes/0/componentId",
        detail: expect.stringContaining("Component Repository"),
      },
    ]);
  });

  const push = { push: { main: "./lib/actions/push.js" } };
  const unknown = ["FUNCTION_UNKNOWN /graph/nodes/0/function"];
  it.each<[string, Record<string, unknown>, string | undefined, string[]]>([
    ["has among its actions", { actions: push, triggers: {} }, "push", []],
    ["has among its triggers", { actions: {}, triggers: push }, "push", []],
    ["does not have", { actions: push, triggers: { poll: {} } }, "pull", unknown],
    ["inherits from no map", { actions: push }, "toString", unknown],
    ["cannot have, for nobody had its maps read", { actions: {}, triggers: {} }, "pull", []],
    ["cannot have, for it has no maps", {}, "pull", []],
    ["cannot have, for its maps are lists", { actions: ["push"], triggers: null }, "pull", []],
    ["is not asked for", { actions: push }, undefined, []],
  ])("with a function that it %s", async (_, more, called, told) => {
    const { settings } = neighbours({ component: () => component(more) });
    const step = { component: newId(), ...(called === undefined ? {} : { function: called }) };
    // It is no reason to refuse anything.
    const saved = await save(await someone(), flowWith(step), { ...settings, CHECKS: "enforce" });
    expect([saved.status, toldBy(saved)]).toEqual([201, told]);
    const details = (saved.body.meta.warnings ?? []).map(({ detail }: { detail: string }) => detail.slice(0, 16));
    expect(details).toEqual(told.map(() => "It tells of push"));
  });
});

describe("a save, where the Secret Service answers", () => {
  const id = newId();
  const mine = { _id: id, name: "CRM", type: "OA2_AUTHORIZATION_CODE", owners: [] };
  const hidden = ["SECRET_NOT_VISIBLE /graph/nodes/0/credentials_id"];
  const silent = ["NEIGHBOUR_UNAVAILABLE /graph/nodes/0/credentials_id"];
  const list = "/api/v1/secrets";
  const one = `${list}/${id}`;

  it.each<[string, Replies, string[], string[]]>([
    ["that it is listed", { list: () => listOf(newId(), mine), secret: lost }, [list], []],
    ["that it is listed in capitals", { list: () => listOf({ _id: id.toUpperCase() }), secret: lost }, [list], []],
    [
      "that it is listed and broken",
      { list: () => listOf({ ...mine, currentError: { message: "invalid_grant" } }), secret: lost },
      [list],
      ["SECRET_BROKEN /graph/nodes/0/credentials_id"],
    ],
    ["that it is listed without an error", { list: () => listOf({ ...mine, currentError: null }) }, [list], []],
    ["not in the list, but 200", { list: () => listOf(newId()) }, [list, one], []],
    ["not in the list, and 403", { secret: refused(403) }, [list, one], hidden],
    ["not in the list, and 404", { secret: refused(404) }, [list, one], hidden],
    ["not in the list, and 401 as for what is no id", { secret: refused(401) }, [list, one], hidden],
    ["not in the list, and 500 as for a refresh that fails", { secret: refused(500) }, [list, one], silent],
    ["not in the list, and 302", { secret: elsewhere }, [list, one], silent],
    ["not in the list, and 200 with a page", { secret: page }, [list, one], silent],
    ["not in the list, and nothing", { secret: lost }, [list, one], silent],
    ["401 to the list too, as for a bad token", { list: refused(401), secret: refused(401) }, [list], silent],
    ["nothing to the list", { list: lost, secret: lost }, [list], silent],
    ["with a page to the list", { list: page, secret: lost }, [list], silent],
    ["403 to the list, but 200", { list: refused(403) }, [list, one], []],
    ["500 to the list, and 404", { list: refused(500), secret: refused(404) }, [list, one], hidden],
    ["with a list of another form, but 200", { list: () => Response.json({ secrets: [] }) }, [list, one], []],
    ["with a list of odd entries, but 200", { list: () => listOf({}, { _id: 7 }, { _id: `${id}0` }) }, [list, one], []],
    ["with a list that has null, but 200", { list: () => Response.json({ data: [null, "x"] }) }, [list, one], []],
  ])("%s", async (_, replies, questions, told) => {
    const made = neighbours(replies);
    const saved = await save(await someone(), flowWith({ secret: id }), made.settings);
    expect([saved.status, toldBy(saved)]).toEqual([201, told]);
    expect(made.questions()).toEqual(questions);
  });

  it("is asked for the list as the original pages it", async () => {
    const { settings, asked } = neighbours();
    await save(await someone(), flowWith({ secret: id }), settings);
    expect(decodeURIComponent(new URL(asked[0]!.url).search)).toBe("?page[size]=100&page[number]=1");
  });
});

describe("a question", () => {
  it("is asked with the caller's own token, and nothing else of the request", async () => {
    const caller = await someone();
    const { settings, asked } = neighbours({ secret });
    const headers = { "x-auth-type": "oidc", cookie: "session=1", "idempotency-key": unique("key") };
    await save(caller, flowWith({ component: newId(), secret: newId() }), settings, { headers });
    expect(asked).toHaveLength(3);
    // A redirect would carry the token elsewhere, and a cache would tell others what the caller sees.
    for (const [, init] of vi.mocked(globalThis.fetch).mock.calls) {
      expect(init).toMatchObject({ redirect: "manual", cache: "no-store" });
    }
    for (const { method, headers: sent, body } of asked) {
      expect([method, body]).toEqual(["GET", ""]);
      expect(Object.fromEntries(sent)).toEqual({ authorization: caller.authorization, accept: "application/json" });
    }
  });

  it.each(["", "/", "//", "/api/v1", "/api/v1/", "/prefix", "/prefix/api/v1//"])(
    "finds the services where their addresses end with %j",
    async (end) => {
      const [component_, secret_] = [newId(), newId()];
      const { settings, asked } = neighbours();
      const { COMPONENT_REPOSITORY_BASE_URL: components, SECRET_SERVICE_BASE_URL: secrets } = settings;
      const changed = {
        COMPONENT_REPOSITORY_BASE_URL: `${components}${end}`,
        SECRET_SERVICE_BASE_URL: `${secrets}${end}`,
      };
      await save(await someone(), flowWith({ component: component_.toUpperCase(), secret: secret_ }), changed);
      const trimmed = end.replace(/\/+$/, "");
      const versioned = `${trimmed.replace("/api/v1", "")}/api/v1`;
      expect(asked.map(({ url }) => url.split("?")[0]!).toSorted()).toEqual([
        `${components}${trimmed}/components/${component_}`,
        `${secrets}${versioned}/secrets`,
        `${secrets}${versioned}/secrets/${secret_}`,
      ]);
    },
  );
});
