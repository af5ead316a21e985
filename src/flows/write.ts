import type { Database } from "../db/client.ts";
import { reachParameters, within, type Reach } from "../identity/ownership.ts";
import { insertIfChanged, type OutboxMessage } from "../messages/outbox.ts";
import { bytesOf } from "../messages/model.ts";
import { textOf } from "./check.ts";
import { keptText } from "./instance.ts";
import type { FlowDocument } from "./model.ts";
import { homeOf } from "./owners.ts";
import { searchTextOf } from "./search-text.ts";
import type { WholeRow } from "./store.ts";

/** A row and the message that is committed with it. */
export interface Written {
  readonly row: WholeRow;
  readonly message: OutboxMessage;
}

/** A flow that was read and what it becomes. */
export interface Edited extends Written {
  readonly revision: number;
}

/** The columns that follow from a document, as a trigger and generated columns have them too. */
export function storedForm(document: FlowDocument) {
  const home = homeOf(document.owners);
  return {
    home,
    document: textOf(document),
    name: document.name ?? "",
    type: document.type ?? null,
    fromTemplate: document.fromTemplate ?? null,
    searchText: searchTextOf(document, home),
  };
}

const PLACE =
  "(SELECT coalesce(max(pos) + 1, CAST(?1 AS INTEGER)) FROM flows WHERE pos >= CAST(?1 AS INTEGER) AND pos < CAST(?1 AS INTEGER) + 1024)";
const INSERT = `INSERT INTO flows (pos, id, home, document, search_text, revision, revised_at, revised_by, revision_note, created_at, updated_at, status, status_seq, tries)`;
const AT_FIRST = `1, CAST(?2 AS INTEGER), ?3, ?4, CAST(?2 AS INTEGER), CAST(?2 AS INTEGER), 'inactive', 0, 0`;
const INSERT_ONE = `${INSERT} SELECT ${PLACE}, ?5, ?6, ?7, ?8, ${AT_FIRST}`;
const INSERT_SEVERAL = `${INSERT}
  SELECT ${PLACE} + key, value ->> '$.id', value ->> '$.home', value ->> '$.document', value ->> '$.searchText', ${AT_FIRST} FROM json_each(?5)`;
const TELL_SEVERAL = `INSERT INTO outbox (flow_id, seq, queue, body, created_at)
  SELECT value ->> '$.id', CAST(?2 AS INTEGER), value ->> '$.queue', value ->> '$.message', CAST(?2 AS INTEGER) FROM json_each(?1)`;

/**
 * Statements that store new flows, made by one account at one time, each with its message. They fail if there is no
 * room at their place in the order of creation; `later` moves it by milliseconds.
 */
export function insertions(db: Database, all: readonly Written[], later: number): D1PreparedStatement[] {
  return portionsOf(all, listOfOne).flatMap((portion) => {
    const { row } = portion[0]!;
    const common = [(row.createdAt + later) * 1024, row.createdAt, row.revisedBy, row.revisionNote];
    if (portion.length === 1) {
      const one = db.sql(INSERT_ONE, ...common, row.id, row.home, keptText(row.document), row.searchText);
      return [one, insertIfChanged(db, portion[0]!.message, row.createdAt)];
    }
    const list = listOf(portion);
    return [db.sql(INSERT_SEVERAL, ...common, list), db.sql(TELL_SEVERAL, list, row.createdAt)];
  });
}

const EDIT_ONE = `UPDATE flows SET home = ?5, document = ?6, search_text = ?7, revision = revision + 1,
    revised_at = CAST(?8 AS INTEGER), updated_at = CAST(?8 AS INTEGER), revised_by = ?9, revision_note = ?10
  WHERE id = ?1 AND revision = ?2 AND status_seq = ?11 AND status = 'inactive' AND ${within(3)} RETURNING id`;
const EDITABLE = `flows.id = value ->> '$.id' AND flows.revision = value ->> '$.revision' AND flows.status_seq = value ->> '$.statusSeq' AND flows.status = 'inactive' AND ${within(2)}`;
const EDIT_SEVERAL = `UPDATE flows INDEXED BY flows_id_unique SET home = value ->> '$.home', document = value ->> '$.document', search_text = value ->> '$.searchText',
    revision = flows.revision + 1, revised_at = value ->> '$.at', updated_at = value ->> '$.at', revised_by = ?4, revision_note = value ->> '$.note'
  FROM json_each(?1) WHERE ${EDITABLE} RETURNING flows.id AS id`;
const TELL_EDITABLE = `INSERT INTO outbox (flow_id, seq, queue, body, created_at)
  SELECT flows.id, max(value ->> '$.at', (SELECT coalesce(max(seq), 0) + 1 FROM outbox WHERE flow_id = flows.id)), value ->> '$.queue', value ->> '$.message', value ->> '$.at'
  FROM json_each(?1) CROSS JOIN flows INDEXED BY flows_id_unique WHERE ${EDITABLE}`;
const TRIM = `DELETE FROM revisions WHERE flow_id = ?1 AND revision < ?2`;
const TRIM_SEVERAL = `DELETE FROM revisions WHERE (flow_id, revision) IN
  (SELECT r.flow_id, r.revision FROM json_each(?1) CROSS JOIN revisions r WHERE r.flow_id = value ->> '$.id' AND r.revision < (value ->> '$.revision') + 1 - ?2)`;

/** Statements that make edits of inactive flows which nobody changed meanwhile; they return the ids of those edited. */
export function edits(db: Database, all: readonly Edited[], reach: Reach, kept: number): D1PreparedStatement[] {
  return portionsOf(all, listOfOne).flatMap((portion) => {
    const { row, revision, message } = portion[0]!;
    if (portion.length === 1) {
      const guard = [row.id, revision, ...reachParameters(reach)];
      return [
        db.sql(
          EDIT_ONE,
          ...guard,
          row.home,
          keptText(row.document),
          row.searchText,
          row.revisedAt,
          row.revisedBy,
          row.revisionNote,
          row.statusSeq,
        ),
        insertIfChanged(db, message, row.updatedAt),
        db.sql(TRIM, row.id, row.revision - kept),
      ];
    }
    const list = listOf(portion);
    const guard = [list, ...reachParameters(reach)];
    return [
      db.sql(TELL_EDITABLE, ...guard),
      db.sql(EDIT_SEVERAL, ...guard, row.revisedBy),
      db.sql(TRIM_SEVERAL, list, kept),
    ];
  });
}

interface Portioned extends Written {
  readonly revision?: number;
}

const listOf = (portion: readonly Portioned[]): string =>
  JSON.stringify(
    portion.map(({ row, message, revision }) => ({
      id: row.id,
      home: row.home,
      document: keptText(row.document),
      searchText: row.searchText,
      at: row.updatedAt,
      note: row.revisionNote,
      statusSeq: row.statusSeq,
      queue: message.queue,
      message: JSON.stringify(message.envelope),
      ...(revision === undefined ? {} : { revision }),
    })),
  );

const listOfOne = (one: Portioned): string => listOf([one]);

/** The database takes parameters of up to two million bytes. */
const MOST_IN_A_LIST = 1_500_000;

/** Divides what goes into a statement as one JSON list. */
export function portionsOf<T>(all: readonly T[], toText: (one: T) => string = JSON.stringify): T[][] {
  const portions: T[][] = [];
  let bytes = Infinity;
  for (const one of all) {
    const more = all.length === 1 ? 0 : bytesOf(toText(one));
    if (bytes + more > MOST_IN_A_LIST) {
      portions.push([]);
      bytes = 0;
    }
    portions.at(-1)!.push(one);
    bytes += more;
  }
  return portions;
}
