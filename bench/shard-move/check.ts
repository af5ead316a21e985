/** What must be true when the home has moved, the clients have stopped and the couriers have nothing left to do. */
import type { DatabaseSync } from "node:sqlite";

import { HOME, RESIDENTS, type FlowTruth, type Setting, type ShardName } from "./model.ts";
import { row, rows } from "./shard.ts";

export interface Faults {
  /** Accepted changes that are missing, or flows that are missing. */
  lost: number;
  /** Two changes under one number, or a flow in both shards. */
  doubled: number;
  /** Deleted flows that are there again. */
  revived: number;
  staleReads: number;
  /** Messages never sent, or sent after a later one of the same flow. */
  unsent: number;
  outOfOrder: number;
  /** Counters, shares, facets and search that differ from the flows. */
  miscounted: number;
}

interface Found {
  readonly revision: number;
  readonly status: string;
  readonly status_seq: number;
  readonly document: string;
}

export function faultsOf(s: Setting, at: Readonly<Record<string, ShardName>>): Faults {
  const { oracle, shards } = s;
  const faults: Faults = {
    lost: 0,
    doubled: oracle.doubled,
    revived: 0,
    staleReads: oracle.staleReads,
    unsent: 0,
    outOfOrder: 0,
    miscounted: 0,
  };
  for (const [id, truth] of oracle.flows) {
    const here = at[truth.home] ?? "A";
    const found = flowIn(shards[here], id);
    const elsewhere = flowIn(shards[here === "A" ? "B" : "A"], id);
    if (truth.deleted) faults.revived += Number(found !== undefined) + Number(elsewhere !== undefined);
    else {
      faults.doubled += Number(elsewhere !== undefined);
      faults.lost += missing(shards[here], id, truth, found);
    }
    judgeMessages(truth, faults);
  }
  for (const name of ["A", "B"] as const) faults.miscounted += miscounted(shards[name]);
  return faults;
}

const flowIn = (db: DatabaseSync, id: string) =>
  row<Found>(db, "SELECT revision, status, status_seq, document FROM flows WHERE id = ?", id);

function missing(db: DatabaseSync, id: string, truth: FlowTruth, found: Found | undefined): number {
  if (found === undefined) return truth.version;
  const kept = new Map(
    rows<{ revision: number; document: string }>(
      db,
      "SELECT revision, document FROM revisions WHERE flow_id = ?",
      id,
    ).map(({ revision, document }) => [revision, document]),
  );
  kept.set(found.revision, found.document);
  const edits = [...truth.documents].filter(([revision, document]) => kept.get(revision) !== document).length;
  const same = found.status_seq === truth.statusSeq && found.status === truth.moves.get(truth.statusSeq);
  return edits + (same ? 0 : Math.max(1, truth.statusSeq - found.status_seq));
}

function judgeMessages({ messages, sent }: FlowTruth, faults: Faults): void {
  const sentOnce = new Set(sent);
  faults.unsent += [...messages].filter((seq) => !sentOnce.has(seq)).length;
  faults.outOfOrder += sent.filter((seq, n) => n > 0 && seq < (sent[n - 1] ?? 0)).length;
}

/** Each pair must be equal: what triggers have kept, and what is counted afresh. */
function miscounted(db: DatabaseSync): number {
  const count = (text: string, ...values: string[]) => row<{ n: number }>(db, text, ...values)?.n ?? 0;
  const kept =
    "SELECT coalesce(sum(inactive * 1 + starting * 1000 + active * 1000000 + stopping * 1000000000), 0) AS n FROM flow_counts WHERE scope = ?";
  const fresh =
    "SELECT coalesce(sum(CASE status WHEN 'inactive' THEN 1 WHEN 'starting' THEN 1000 WHEN 'active' THEN 1000000 ELSE 1000000000 END), 0) AS n FROM flows";
  const pairs = [HOME, ...RESIDENTS].flatMap((home) => [
    [count(kept, home), count(`${fresh} WHERE home = ?`, home)],
    [
      count("SELECT count(*) AS n FROM flow_search WHERE flow_search MATCH ?", `"${home}"`),
      count("SELECT count(*) AS n FROM flows WHERE home = ?", home),
    ],
    [
      count("SELECT count(*) AS n FROM flow_shares WHERE home = ?", home),
      count("SELECT count(*) AS n FROM flows WHERE home = ?", home),
    ],
  ]);
  pairs.push([count(kept, ""), count(fresh)]);
  pairs.push([count("SELECT count(*) AS n FROM revisions WHERE flow_id NOT IN (SELECT id FROM flows)"), 0]);
  pairs.push([count("SELECT count(*) AS n FROM outbox"), 0]);
  return pairs.filter(([left, right]) => left !== right).length;
}
