import { env } from "cloudflare:workers";

import type { FlowDocument, FlowStatus, Owner } from "../../src/flows/model.ts";
import { homeOf } from "../../src/flows/owners.ts";
import { searchTextOf } from "../../src/flows/search-text.ts";
import { exampleFlow, newId } from "./given.ts";

export interface Given extends Partial<Omit<FlowDocument, "owners">> {
  readonly owners: readonly Owner[];
  readonly status?: FlowStatus;
  /** Milliseconds since 1970. */
  readonly createdAt?: number;
  readonly updatedAt?: number;
}

/** A flow as it was stored. */
export interface StoredFlow {
  readonly id: string;
  readonly document: FlowDocument;
  readonly status: FlowStatus;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export const user = (id: string): Owner => ({ id, type: "user" });
export const tenant = (id: string): Owner => ({ id, type: "tenant" });

const INSERT = `INSERT INTO flows (pos, id, home, document, search_text, revision, revised_at, revision_note, created_at, updated_at, status, status_seq, tries)
  SELECT (SELECT coalesce(max(pos) + 1, value ->> '$.createdAt' * 1024) FROM flows WHERE pos >= value ->> '$.createdAt' * 1024 AND pos < value ->> '$.createdAt' * 1024 + 1024),
    value ->> '$.id', value ->> '$.home', value ->> '$.text', value ->> '$.searchText', 1, value ->> '$.createdAt', 'Created.',
    value ->> '$.createdAt', value ->> '$.updatedAt', value ->> '$.status', 0, 0
  FROM (SELECT ? AS value)`;

/** Stores flows past the API, of any owner, status and time, in this order. */
export async function store(all: readonly Given[]): Promise<StoredFlow[]> {
  const stored = all.map(({ status = "inactive", createdAt, updatedAt, owners, ...changed }): StoredFlow => {
    const document = { ...exampleFlow(), ...changed, owners: [...owners] } as FlowDocument;
    const at = createdAt ?? Date.now();
    return { id: newId(), document, status, createdAt: at, updatedAt: updatedAt ?? at };
  });
  const statements = stored.map((flow) => {
    const home = homeOf(flow.document.owners);
    const text = JSON.stringify(flow.document);
    return env.DB.prepare(INSERT).bind(
      JSON.stringify({ ...flow, home, text, searchText: searchTextOf(flow.document, home) }),
    );
  });
  if (statements.length > 0) await env.DB.batch(statements);
  return stored;
}

/** The parameters of a query as text; those that are undefined are left out. */
export function queryOf(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const sent = Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, `${value}`]]));
  return new URLSearchParams(sent).toString();
}
