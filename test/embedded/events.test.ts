import { env, exports } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import { tokenFor, type Caller } from "../support/api.ts";
import { everyPermission, flowOf, newId, someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";
import { activeFlow, ended, line, ran } from "../support/runs.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

interface Seen {
  readonly id: number;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** Reads events until one fits, then goes. */
async function watch(authorization: string, path: string, until: (seen: Seen[]) => boolean, lastEventId?: string) {
  const going = new AbortController();
  const answer = await exports.default.fetch(`http://flows.test${path}`, {
    headers: { authorization, ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }) },
    signal: going.signal,
  });
  if (answer.status !== 200) return { status: answer.status, seen: [] as Seen[], whole: false };
  expect(answer.headers.get("content-type")).toContain("text/event-stream");
  const seen: Seen[] = [];
  let text = "";
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return { status: 200, seen, whole: true };
    text += value;
    const parts = text.split("\n\n");
    text = parts.pop()!;
    for (const part of parts) {
      const fields = Object.fromEntries(
        part.split("\n").map((row) => [row.split(": ")[0], row.slice(row.indexOf(": ") + 2)]),
      );
      if (fields["event"] === undefined) continue;
      seen.push({
        id: Number(fields["id"]),
        event: fields["event"],
        data: JSON.parse(fields["data"] ?? "{}") as Seen["data"],
      });
    }
    if (until(seen)) {
      await reader.cancel();
      return { status: 200, seen, whole: false };
    }
  }
}

const steps = line({ id: "a", componentId: "manual" }, { id: "b", componentId: "log", fields: { message: "hello" } });

describe("events of a run", () => {
  it("tell what happened from the beginning, and end with the run", async () => {
    const caller = await someone();
    const flowId = await activeFlow(caller, steps);
    const run = await ran(caller, flowId, {});
    const { seen, whole } = await watch(caller.authorization, `/runs/${run.id}/events`, () => false);
    expect(whole).toBe(true);
    expect(seen.map(({ event, data }) => [event, data["step"] ?? data["status"], data["state"]])).toEqual([
      ["step", "a", "done"],
      ["step", "b", "done"],
      ["run", "completed", undefined],
    ]);
  });

  it("go on behind the last that was seen", async () => {
    const caller = await someone();
    const run = await ran(caller, await activeFlow(caller, steps), {});
    const all = await watch(caller.authorization, `/runs/${run.id}/events`, () => false);
    const last = String(all.seen[0]!.id);
    const rest = await watch(caller.authorization, `/runs/${run.id}/events`, () => false, last);
    expect(rest.seen).toEqual(all.seen.slice(1));
    const none = await watch(caller.authorization, `/runs/${run.id}/events`, () => false, String(all.seen.at(-1)!.id));
    expect(none).toMatchObject({ seen: [], whole: true });
  });

  it("come while the run goes on", async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    replaceNetwork(async () => {
      await held;
      return Response.json({});
    });
    const caller = await someone();
    const graph = line(
      { id: "a", componentId: "manual" },
      { id: "b", componentId: "http", fields: { url: "https://target.example/" } },
    );
    const flowId = await activeFlow(caller, graph);
    const begun = await caller.call("startRun", { params: { id: flowId }, body: {} });
    const path = `/runs/${begun.body.data.id}/events`;
    const before = await watch(caller.authorization, path, (seen) => seen.some(({ data }) => data["step"] === "a"));
    expect(before.seen.every(({ event }) => event === "step")).toBe(true);
    const after = watch(caller.authorization, path, () => false);
    release();
    expect((await after).seen.at(-1)).toMatchObject({ event: "run", data: { status: "completed" } });
    await ended(caller, begun.body.data.id);
  });

  it("are nobody else's", async () => {
    const caller = await someone();
    const run = await ran(caller, await activeFlow(caller, steps), {});
    const stranger = await someone();
    expect((await watch(stranger.authorization, `/runs/${run.id}/events`, () => true)).status).toBe(404);
    const unknown = run.id.replace(/.{4}$/, "0000");
    expect((await watch(caller.authorization, `/runs/${unknown}/events`, () => true)).status).toBe(404);
  });

  it("end when the token does", async () => {
    const actor = { sub: newId(), tenant: newId(), permissions: everyPermission };
    const caller: Caller = { ...(await someone(actor)) };
    const flowId = await flowOf(caller);
    const authorization = `Bearer ${await tokenFor(actor, "1s")}`;
    const { seen, whole } = await watch(authorization, `/flows/${flowId}/events`, () => false);
    expect(whole).toBe(true);
    expect(seen.at(-1)).toMatchObject({ event: "end", data: { reason: "The token has to be shown anew." } });
  });
});

describe("events of a flow", () => {
  it("tell how it stands, then each transition", async () => {
    const caller = await someone();
    const id = await flowOf(caller, { graph: steps });
    const watching = watch(
      caller.authorization,
      `/flows/${id}/events`,
      (seen) => seen.at(-1)?.data["status"] === "active",
    );
    await caller.call("startFlow", { params: { id } });
    const { seen } = await watching;
    expect(seen.at(-1)).toMatchObject({ event: "flow", id: 2, data: { id, status: "active", statusSeq: 2 } });
    const again = await watch(caller.authorization, `/flows/${id}/events`, ({ length }) => length === 1);
    expect(again.seen[0]).toMatchObject({ id: 2, data: { status: "active" } });
    const { count } = (await env.DB.prepare("SELECT count(*) AS count FROM flows WHERE id = ?")
      .bind(id)
      .first<{ count: number }>())!;
    expect(count).toBe(1);
  });
});
