import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { as, type Answer, type Caller } from "../support/api.ts";
import { admin, everyPermission, someone } from "../support/given.ts";
import { secretOf } from "./given.ts";

const colleagueOf = (caller: Caller) => someone({ tenant: caller.tenant! });
const idsIn = (answer: Answer): string[] => (answer.body.data as { id: string }[]).map(({ id }) => id);

/** Follows `links.next` to the end. */
async function pagesOf(caller: Caller, size: number): Promise<string[][]> {
  const pages: string[][] = [];
  let query = `page[size]=${size}`;
  for (let left = 50; left > 0; left -= 1) {
    const answer = await caller.call("getSecrets", { query });
    expect(answer.status).toBe(200);
    expect(answer.body.meta).toEqual({ perPage: size });
    pages.push(idsIn(answer));
    const { next } = answer.body.links as { next: string | null };
    if (next === null) return pages;
    query = next.slice(next.indexOf("?") + 1);
  }
  throw new Error("The list has no end.");
}

describe("the list", () => {
  it("holds what the caller or the caller's tenant owns, once each and in the order of the ids", async () => {
    const caller = await someone();
    const alone = await as({ sub: caller.sub, permissions: everyPermission });
    const own = [await secretOf(caller), await secretOf(caller), await secretOf(alone)];
    const shared = await secretOf(await colleagueOf(caller));
    await secretOf(await someone());
    const all = [...own, shared].toSorted();
    expect((await pagesOf(caller, 100)).flat()).toEqual(all);
    expect(await pagesOf(caller, 3)).toEqual([all.slice(0, 3), all.slice(3)]);
    expect(await pagesOf(caller, 2)).toEqual([all.slice(0, 2), all.slice(2)]);
    expect((await pagesOf(alone, 1)).flat()).toEqual(own.toSorted());
    expect((await pagesOf(await colleagueOf(caller), 2)).flat()).toEqual([...own.slice(0, 2), shared].toSorted());
    const ofAll = (await pagesOf(await admin(), 1000)).flat();
    expect(ofAll).toEqual(expect.arrayContaining(all));
    expect(ofAll).toEqual(ofAll.toSorted());
  });

  it.each([
    ["page[size]", "0"],
    ["page[size]", "1001"],
    ["page[after]", "x"],
  ])("refuses %s=%s", async (parameter, value) => {
    const answer = await (await someone()).call("getSecrets", { query: { [parameter]: value } });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ error: "INVALID_PARAMETER", parameter }] } });
  });

  it("costs about as much as the page is long, however many there are", async () => {
    const caller = await someone();
    const id = await secretOf(caller);
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
       INSERT INTO secrets SELECT printf('%s%08x', substr(id, 1, 16), i), name, type, owners, key_id, iv, created_at, updated_at, ciphertext FROM secrets, n WHERE id = ?1`,
    )
      .bind(id)
      .run();
    const answer = await caller.call("getSecrets", { query: { "page[size]": "10" }, env: { SERVER_TIMING: "true" } });
    expect(answer.body.data).toHaveLength(10);
    const read = Number(/rows_read=(\d+)/.exec(answer.headers.get("server-timing")!)?.[1]);
    expect(read).toBeLessThan(50);
  });
});
