import { beforeEach, describe, expect, it } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { apiOf, flowsOf } from "../support/gateway.ts";
import { flowOf, someone } from "../support/given.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});

const errors = (answer: Answer) => [answer.status, ...answer.body.errors.map(({ error }: { error: string }) => error)];
const put = (id: string, api: object) => caller.call("replaceApiDraft", { params: { id }, body: api });
const save = (id: string) => caller.call("saveApi", { params: { id } });
const inactive = (api: object) => flowOf(caller, { name: "Orders", kind: "api", graph: undefined, api });

describe("revisions of an API", () => {
  it("are told, compared and gone back to; a draft stays, and is outdated", async () => {
    const api = apiOf({ flows: flowsOf() });
    const id = await inactive(api);
    const resources = [...api.resources, { id: "more", path: "/more", operations: [{ id: "get", method: "GET" }] }];
    await put(id, { ...api, resources });
    await save(id);
    const diff = (await caller.call("diffApiRevisions", { params: { id, revision: "1", other: "2" } })).body.data;
    expect(diff).toMatchObject({
      from: 1,
      to: 2,
      words: "1 resource added (more).",
      changes: [{ what: "api", kind: "changed" }],
    });
    expect(diff.patch).toEqual([{ op: "add", path: "/api/resources/1", value: resources[1] }]);
    const same = (await caller.call("diffApiRevisions", { params: { id, revision: "2", other: "2" } })).body.data;
    expect(same).toMatchObject({ words: "No change.", patch: [] });
    expect((await caller.call("getApiRevision", { params: { id, revision: "1" } })).body.data).toMatchObject({
      revision: 1,
      document: { name: "Orders", kind: "api", api: { resources: [{ id: "order" }] } },
    });
    await put(id, { ...api, settings: { traceSampling: 1 } });
    const etag = (await caller.call("getApiDraft", { params: { id } })).headers.get("etag")!;
    const rollback = (revision: string, more: object = {}) =>
      caller.call("rollbackApi", { params: { id, revision }, ...more });
    expect(errors(await rollback("1", { headers: { "if-match": '"2-0"' } }))).toEqual([412, "PRECONDITION_FAILED"]);
    const keyed = { headers: { "if-match": etag, "idempotency-key": "back" } };
    const back = await rollback("1", keyed);
    expect(back.body.data).toMatchObject({ revision: 3, resources: 1, draft: { edits: 1, outdated: true } });
    expect((await rollback("1", keyed)).body).toEqual(back.body);
    const [newest] = (await caller.call("getApiRevisions", { params: { id } })).body.data;
    expect(newest.note).toBe("Rolled back to revision 1. 1 resource removed (more).");
    expect(errors(await save(id))).toEqual([409, "DRAFT_OUTDATED"]);
    for (const operationId of ["getApiRevision", "rollbackApi"]) {
      expect(errors(await caller.call(operationId, { params: { id, revision: "9" } }))).toEqual([
        404,
        "REVISION_NOT_FOUND",
      ]);
    }
  });

  it("that were no API are not gone back to", async () => {
    const id = await flowOf(caller, { name: "Steps" });
    await caller.call("updateFlow", {
      params: { id },
      body: { kind: "api", graph: null, api: apiOf({ flows: flowsOf() }) },
    });
    expect(errors(await caller.call("rollbackApi", { params: { id, revision: "1" } }))).toEqual([
      404,
      "REVISION_NOT_FOUND",
    ]);
    const { words } = (await caller.call("diffApiRevisions", { params: { id, revision: "1", other: "2" } })).body.data;
    expect(words).toMatch(/The API is another\.$/);
  });
});
