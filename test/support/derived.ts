import { env } from "cloudflare:workers";
import { expect } from "vitest";

import { homeOf } from "../../src/flows/owners.ts";
import type { FlowDocument } from "../../src/flows/model.ts";
import { markOf, SEARCH_SEPARATOR, searchTextOf, type Facet } from "../../src/flows/search-text.ts";

export type Row = Readonly<Record<string, unknown>>;

export const rowsOf = async <T = Row>(query: string, ...values: unknown[]): Promise<T[]> =>
  (
    await env.DB.prepare(query)
      .bind(...values)
      .all<T>()
  ).results;

const statuses = ["inactive", "starting", "active", "stopping"] as const;
export type Status = (typeof statuses)[number];

interface Stored {
  readonly pos: number;
  readonly id: string;
  readonly home: string | null;
  readonly status: Status;
  readonly document: FlowDocument;
  readonly text: string;
}

export async function storedFlows(): Promise<Stored[]> {
  const rows = await rowsOf<Omit<Stored, "document"> & { document: string }>(
    "SELECT pos, id, home, status, document, search_text AS text FROM flows ORDER BY pos",
  );
  return rows.map((row) => ({ ...row, document: JSON.parse(row.document) as FlowDocument }));
}

const tally = (keys: readonly string[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
};
const present = (counts: Iterable<readonly [string, number]>): Map<string, number> =>
  new Map([...counts].filter(([, count]) => count !== 0));

/** The marks in a search text, in no order. */
export const marksIn = (text: string): string[] =>
  [...text.slice(0, text.indexOf(SEARCH_SEPARATOR)).matchAll(/.{3}/gsu)].map(([mark]) => mark).toSorted();

/** What a document says of itself, by facet. */
function facetsOf({ home, document }: Stored): [Facet, string | null | undefined][] {
  const ofNodes = document.graph.nodes.flatMap((node): [Facet, string | null | undefined][] => [
    ["componentId", node.componentId],
    ["credentials_id", node.credentials_id],
  ]);
  return [["home", home], ["type", document.type], ["fromTemplate", document.fromTemplate], ...ofNodes];
}

const valued = (flow: Stored) =>
  facetsOf(flow).filter((facet): facet is [Facet, string] => facet[1] !== null && facet[1] !== undefined);

/** Compares every table that follows from the flows with what their documents say. */
export async function expectDerived(): Promise<void> {
  const flows = await storedFlows();
  for (const flow of flows) {
    expect(flow.home).toBe(homeOf(flow.document.owners));
    const meant = searchTextOf(flow.document, flow.home);
    expect(marksIn(flow.text)).toEqual(marksIn(meant));
    expect(flow.text.slice(flow.text.indexOf(SEARCH_SEPARATOR))).toBe(meant.slice(meant.indexOf(SEARCH_SEPARATOR)));
  }
  expect(await shares()).toEqual(
    flows
      .flatMap(({ pos, home, document }) =>
        [...new Set(document.owners.map((owner) => owner.id))]
          .filter((owner) => owner !== home)
          .map((owner) => `${owner} ${home} ${pos}`),
      )
      .toSorted(),
  );
  await expectCounts(flows);
  await expectFacets(flows);
  await expectIndex(flows);
}

const shares = async (): Promise<string[]> =>
  (await rowsOf<{ owner_id: string; home: string; pos: number }>("SELECT owner_id, home, pos FROM flow_shares"))
    .map((row) => `${row.owner_id} ${row.home} ${row.pos}`)
    .toSorted();

async function expectCounts(flows: readonly Stored[]): Promise<void> {
  const rows = await rowsOf<Record<Status, number> & { scope: string }>("SELECT * FROM flow_counts");
  const counted = rows.flatMap((row) => statuses.map((status) => [`${row.scope} ${status}`, row[status]] as const));
  const meant = flows.flatMap(({ home, status }) => [` ${status}`, ...(home === null ? [] : [`${home} ${status}`])]);
  expect(present(counted)).toEqual(tally(meant));
}

async function expectFacets(flows: readonly Stored[]): Promise<void> {
  const rows = await rowsOf<{ facet: string; value: string; scope: string; flows: number }>(
    "SELECT * FROM facet_counts",
  );
  const counted = rows.map((row) => [`${row.facet} ${row.value} ${row.scope}`, row.flows] as const);
  const meant = flows.flatMap((flow) =>
    valued(flow)
      .filter(([facet]) => facet === "type" || facet === "fromTemplate")
      .flatMap(([facet, value]) =>
        [flow.home, ""].flatMap((scope) => (scope === null ? [] : [`${facet} ${value} ${scope}`])),
      ),
  );
  expect(present(counted)).toEqual(tally(meant));
}

/** Asks the search index for every mark that any flow has, and for nothing but flows that are there. */
async function expectIndex(flows: readonly Stored[]): Promise<void> {
  const asked = new Map(flows.flatMap(valued).map(([facet, value]) => [`${facet}:${value}`, [facet, value] as const]));
  for (const [facet, value] of asked.values()) {
    const found = await rowsOf<{ rowid: number }>(
      "SELECT rowid FROM flow_search WHERE flow_search MATCH ? ORDER BY rowid",
      `"${markOf(facet, value)}"`,
    );
    const meant = flows.filter((flow) => valued(flow).some(([one, other]) => one === facet && other === value));
    expect([`${facet}:${value}`, found.map((row) => row.rowid)]).toEqual([
      `${facet}:${value}`,
      meant.map((flow) => flow.pos),
    ]);
  }
  const indexed = await rowsOf<{ rowid: number }>("SELECT rowid FROM flow_search ORDER BY rowid");
  expect(indexed.map((row) => row.rowid)).toEqual(flows.map((flow) => flow.pos));
}
