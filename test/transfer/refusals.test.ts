import { beforeAll, describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { admin, newId, someone } from "../support/given.ts";
import { getFlow, idOf, ndjson, originalFlow, send } from "./given.ts";

let root: Caller;
let owner: Caller;
beforeAll(async () => {
  root = await admin();
  owner = await someone();
});

/** What is told of refused documents: line, id and the errors with their places. */
const refusedIn = (answer: Awaited<ReturnType<typeof send>>) =>
  (answer.body.data.refused as { line: number; id?: string; findings: { error: string; pointer: string }[] }[]).map(
    ({ line, id, findings }) => [line, id, ...findings.map(({ error, pointer }) => `${error} ${pointer}`)],
  );

describe("a document that cannot be stored", () => {
  it("is told with its line and id, and holds up no other", async () => {
    const [good, unknown, dangling] = [
      originalFlow(owner),
      originalFlow(owner, { status: "paused" }),
      originalFlow(owner, { graph: { nodes: [{ id: "a" }], edges: [{ source: "a", target: "b" }] } }),
    ];
    const other = originalFlow(owner);
    const text = [
      ndjson([unknown]),
      "\n",
      ndjson([good]),
      "{not json}\n",
      "null\n",
      ndjson([dangling, other]),
      '{"_id":',
    ].join("");
    const answer = await send(root, text);
    expect(answer.body.data).toMatchObject({ read: 7, imported: 2, refusedCount: 5 });
    expect(refusedIn(answer)).toEqual([
      [1, idOf(unknown), "STATUS_UNKNOWN /status"],
      [4, undefined, "INVALID_JSON "],
      [5, undefined, "INVALID_BODY "],
      [6, idOf(dangling), "EDGE_TARGET_UNKNOWN /graph/edges/0/target"],
      [8, undefined, "DOCUMENT_CUT_OFF "],
    ]);
    expect((await getFlow(owner, idOf(other))).status).toBe(200);
  });

  it("is told with the line of the caller's file", async () => {
    const answer = await send(root, '\n{"_id":1}', { query: { line: "5000" } });
    expect(refusedIn(answer).map(([line]) => line)).toEqual([5001]);
  });

  it.each<[string, string, string]>([
    ["nested without end", `{"a":${"[".repeat(5000)}${"]".repeat(5000)}}`, "INVALID_BODY"],
    ["with a number that cannot be kept", '{"a":1e999}', "INVALID_BODY"],
    ["that is a list", "[[1]]", "WRONG_TYPE"],
    ["that is too large", `{"a":"${"x".repeat(2 * 1024 * 1024)}"}`, "DOCUMENT_TOO_LARGE"],
  ])("since it is %s is refused", async (_, text, error) => {
    expect(refusedIn(await send(root, text))).toEqual([[1, undefined, `${error} `]]);
  });

  it("is told shortly, however much is wrong with it", async () => {
    const nodes = Array.from({ length: 200 }, () => ({ id: "x".repeat(5000) }));
    const answer = await send(root, [originalFlow(owner, { graph: { nodes, edges: [] } })]);
    const [{ findings }] = answer.body.data.refused;
    expect(findings).toHaveLength(21);
    expect(findings[20]).toMatchObject({ error: "MORE_FINDINGS" });
    expect(JSON.stringify(findings).length).toBeLessThan(20_000);
  });

  it("is one of a thousand that are told, and counted behind them", async () => {
    const answer = await send(root, "{}\n".repeat(1100));
    expect(answer.body.data).toMatchObject({ read: 1100, refusedCount: 1100 });
    expect(answer.body.data.refused).toHaveLength(1000);
  });
});

describe("a request", () => {
  const asLines = { "content-type": "application/x-ndjson" };

  it.each([
    ["of another type", { raw: "{}", headers: { "content-type": "application/xml" } }, 415, "UNSUPPORTED_MEDIA_TYPE"],
    ["of no type", { raw: new Uint8Array([0x7b, 0x7d]) }, 415, "UNSUPPORTED_MEDIA_TYPE"],
    [
      "in another charset",
      { raw: "{}", headers: { "content-type": "text/plain; charset=latin1" } },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ],
    [
      "packed otherwise",
      { raw: "{}", headers: { ...asLines, "content-encoding": "br" } },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ],
    [
      "that is not packed as it says",
      { raw: "{}", headers: { ...asLines, "content-encoding": "gzip" } },
      400,
      "INVALID_JSON",
    ],
    ["without a body", { headers: asLines }, 400, "INVALID_BODY"],
    ["with an empty body", { raw: "", headers: asLines }, 400, "INVALID_BODY"],
    ["with a line that is no number", { raw: "{}", headers: asLines, query: { line: "0" } }, 400, "INVALID_PARAMETER"],
    [
      "with a dry run that is neither",
      { raw: "{}", headers: asLines, query: { dryRun: "yes" } },
      400,
      "INVALID_PARAMETER",
    ],
  ])("%s is refused", async (_, request, status, error) => {
    for (const what of ["importFlows", "importTemplates"]) {
      expect(await root.call(what, request)).toMatchObject({ status, body: { errors: [{ error }] } });
    }
  });

  it("is an admin's alone", async () => {
    const line = originalFlow(owner);
    const powerful = await someone({ permissions: ["flows.write", "flows.bulk", "tenant.all", "templates.write"] });
    expect((await send(powerful, [line])).status).toBe(403);
    expect((await getFlow(root, idOf(line))).status).toBe(404);
  });

  it.each(["application/x-ndjson", "application/ndjson", "text/plain; charset=utf-8", "application/json"])(
    "of the type %s is taken",
    async (type) => {
      const answer = await send(root, [originalFlow(owner)], { headers: { "content-type": type } });
      expect(answer.body.data).toMatchObject({ imported: 1 });
    },
  );

  it("of no documents answers so", async () => {
    expect((await send(root, "[]\n")).body.data).toMatchObject({ read: 0, imported: 0, refusedCount: 0 });
  });

  it("of more than 20,000 documents answers 413, and what came before stays", async () => {
    const first = originalFlow(owner);
    const answer = await send(root, `${ndjson([first])}${"[]\n".repeat(20_000)}`);
    expect(answer).toMatchObject({ status: 413, body: { errors: [{ error: "BODY_TOO_LARGE" }] } });
    expect(answer.body.errors[0].detail).toContain("20000 documents");
    expect((await getFlow(owner, idOf(first))).status).toBe(200);
  });

  it("of more than 64 MiB answers 413, however it is packed", async () => {
    let left = 65;
    const blanks = new ReadableStream<Uint8Array>({
      pull(controller) {
        if ((left -= 1) < 0) controller.close();
        else controller.enqueue(new Uint8Array(1024 * 1024).fill(0x20));
      },
    });
    const raw = await new Response(blanks.pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
    const answer = await send(root, "", { raw, headers: { ...asLines, "content-encoding": "gzip" } });
    expect(answer).toMatchObject({ status: 413, body: { errors: [{ error: "BODY_TOO_LARGE" }] } });
  });

  it("of one id again and again answers 413", async () => {
    const answer = await send(root, ndjson([originalFlow(owner, { _id: { $oid: newId() } })]).repeat(200), {
      query: { dryRun: "true" },
    });
    expect(answer.status).toBe(413);
  });
});
