import { inStorage, type Database } from "../db/client.ts";
import { reachParameters, type Reach } from "../identity/ownership.ts";
import type { Answer } from "../platform/http.ts";
import { bytesOf } from "../messages/model.ts";
import type { TemplateDocument, TemplateStatus } from "./model.ts";

export interface TemplateRow {
  readonly id: string;
  readonly status: TemplateStatus;
  readonly tenant: string | null;
  readonly revision: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** JSON: a TemplateDocument. */
  readonly document: string;
}

export interface WrittenTemplate extends TemplateRow {
  readonly revisedBy: string;
  readonly revisionNote: string;
  readonly searchText: string;
}

export const templateColumns = [
  "id",
  "status",
  "tenant",
  "revision",
  "created_at AS createdAt",
  "updated_at AS updatedAt",
  "document",
]
  .map((column) => `templates.${column}`)
  .join(", ");

/** The ids of templates that owners may read, each once. It refers to the parameters by their numbers. */
export const readableIds = (first: number): string =>
  `(SELECT template_id FROM template_readers WHERE owner_id = ?${first} UNION SELECT template_id FROM template_readers WHERE owner_id = ?${first + 1})`;

/** Condition on `templates`: it may be read, or also written. It refers to the parameters by their numbers. */
const readable = (first: number, how: "read" | "write" = "read"): string =>
  `(?${first} IS NULL OR EXISTS (SELECT 1 FROM template_readers WHERE owner_id IN (?${first}, ?${first + 1}) AND template_id = templates.id${how === "write" ? " AND writes = 1" : ""}))`;

const FIND = {
  read: `SELECT ${templateColumns} FROM templates WHERE id = ?1 AND ${readable(2)}`,
  write: `SELECT ${templateColumns} FROM templates WHERE id = ?1 AND ${readable(2, "write")}`,
};

export async function findTemplate(
  db: Database,
  id: string,
  reach: Reach,
  how: "read" | "write" = "read",
): Promise<TemplateRow | undefined> {
  const { results } = await inStorage(() => db.sql(FIND[how], id, ...reachParameters(reach)).all<TemplateRow>());
  return results[0];
}

const INSERT = `INSERT INTO templates (id, status, tenant, revision, revised_by, revision_note, created_at, updated_at, search_text, document)
  VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?6, ?7, ?8)`;

export const insertion = (db: Database, row: WrittenTemplate): D1PreparedStatement => {
  const { id, status, tenant, revisedBy, revisionNote, createdAt, searchText, document } = row;
  return db.sql(INSERT, id, status, tenant, revisedBy, revisionNote, createdAt, searchText, document);
};

const UPDATE = `UPDATE templates SET status = ?5, revision = revision + 1, revised_by = ?6, revision_note = ?7, updated_at = ?8, search_text = ?9, document = ?10
  WHERE id = ?1 AND revision = ?2 AND octet_length(document) = ?11 AND ${readable(3, "write")} RETURNING id`;

/**
 * Writes the next revision, if the row is still as it was read. Answers whether it was. Taking a deleted owner off makes
 * no revision, but makes the document shorter.
 */
export async function updateTemplateRow(
  db: Database,
  row: WrittenTemplate,
  { id, revision, document: before }: TemplateRow,
  reach: Reach,
): Promise<boolean> {
  const guard = [id, revision, ...reachParameters(reach)];
  const { status, revisedBy, revisionNote, updatedAt, searchText, document } = row;
  const written = [status, revisedBy, revisionNote, updatedAt, searchText, document];
  const update = db.sql(UPDATE, ...guard, ...written, bytesOf(before));
  const { results } = await inStorage(() => update.all());
  return results.length > 0;
}

const COUNT = "SELECT count(*) AS n FROM template_instances WHERE template_id = ?1";
const DELETE = `DELETE FROM templates WHERE id = ?1 AND ${readable(2, "write")}
  AND NOT EXISTS (SELECT 1 FROM template_instances WHERE template_id = ?1) RETURNING id`;

/** Deletes a template that nobody uses; answers whether it did, and how many instances there are. */
export async function deleteTemplateRow(db: Database, id: string, reach: Reach) {
  const statements = [db.sql(COUNT, id), db.sql(DELETE, id, ...reachParameters(reach))];
  const [counted, deleted] = await inStorage(() => db.batch(statements));
  return { instances: (counted!.results[0] as { n: number }).n, isDeleted: deleted!.results.length > 0 };
}

export const templateOf = (row: Pick<TemplateRow, "document">): TemplateDocument =>
  JSON.parse(row.document) as TemplateDocument;

/** A template as JSON; the document goes out as it is kept. */
export function templateText(row: TemplateRow): string {
  const { status, createdAt, updatedAt, id, revision } = row;
  const [created, updated] = [createdAt, updatedAt].map((at) => new Date(at).toISOString());
  const state = JSON.stringify({ status, createdAt: created, updatedAt: updated, id, revision });
  return `${row.document.slice(0, -1)},${state.slice(1)}`;
}

export const templateAnswer = (row: TemplateRow, status: 200 | 201 = 200): Answer => ({
  status,
  body: `{"data":${templateText(row)},"meta":{}}`,
});
