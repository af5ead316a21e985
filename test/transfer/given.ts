import { env, exports } from "cloudflare:workers";
import { expect } from "vitest";

import type { Answer, Call, Caller } from "../support/api.ts";
import { newId } from "../support/given.ts";

export const COMPONENT = "5ca5c44c187c040010a9bb8b";

export type Line = Record<string, unknown>;

/** A flow as the original's database tells it in extended JSON. */
export function originalFlow(owner: Pick<Caller, "sub" | "tenant">, changed: Line = {}): Line {
  return {
    _id: { $oid: newId() },
    name: "Contacts to the CRM",
    description: "Every night",
    type: "ordinary",
    graph: {
      nodes: [
        { id: "read", componentId: { $oid: COMPONENT }, function: "poll", fields: { size: { $numberInt: "5" } } },
        { id: "write", componentId: { $oid: COMPONENT }, function: "upsert" },
      ],
      edges: [{ source: "read", target: "write" }],
    },
    owners: [
      { id: owner.sub, type: "user" },
      ...(owner.tenant === undefined ? [] : [{ id: owner.tenant, type: "tenant" }]),
    ],
    status: "inactive",
    createdAt: { $date: "2024-01-02T03:04:05.678Z" },
    updatedAt: { $date: "2024-02-03T04:05:06.789Z" },
    __v: 2,
    ...changed,
  };
}

export const idOf = (line: Line): string => (line["_id"] as { $oid: string }).$oid;

export const ndjson = (lines: readonly Line[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join("");

const asLines = { "content-type": "application/x-ndjson" };

/** Sends documents, one to a line. */
export const send = (caller: Caller, lines: readonly Line[] | string, request: Call = {}, what = "importFlows") =>
  caller.call(what, { raw: typeof lines === "string" ? lines : ndjson(lines), headers: asLines, ...request });

const nothing = { imported: 0, updated: 0, unchanged: 0, kept: 0, refused: [], refusedCount: 0 };

/** Sends documents that must all have become what is told. */
export async function sent(
  caller: Caller,
  lines: readonly Line[],
  counts: Partial<Record<keyof typeof nothing, unknown>>,
  request: Call = {},
  what = "importFlows",
): Promise<Answer> {
  const answer = await send(caller, lines, request, what);
  expect(answer.body).toEqual({ data: { read: lines.length, ...nothing, ...counts }, meta: {} });
  return answer;
}

export const getFlow = async (caller: Caller, id: string): Promise<Answer> =>
  caller.call("getFlowById", { params: { id } });

export interface WholeRow {
  readonly pos: number;
  readonly revision: number;
  readonly revised_by: string | null;
  readonly revision_note: string;
  readonly status: string;
  readonly status_seq: number;
  readonly start_id: string | null;
  readonly started_by: string | null;
  readonly started_in: string | null;
  readonly deadline_at: number | null;
  readonly tries: number;
  readonly created_at: number;
  readonly updated_at: number;
  readonly document: string;
}

export const wholeRow = (id: string): Promise<WholeRow | null> =>
  env.DB.prepare("SELECT * FROM flows WHERE id = ?").bind(id).first<WholeRow>();

/** The lines of an export, as they came. */
export async function exported(caller: Caller, what: "flows" | "templates" = "flows"): Promise<string> {
  const headers = { authorization: caller.authorization };
  const answer = await exports.default.fetch(`http://flows.test/${what}/export`, { headers });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/x-ndjson"]);
  return new TextDecoder().decode(await answer.arrayBuffer());
}
