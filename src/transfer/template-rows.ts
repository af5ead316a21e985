import { inStorage, type Database } from "../db/client.ts";
import type { TemplateStatus } from "../templates/model.ts";
import { bytesOf } from "../messages/model.ts";
import { isSameText } from "./flow-rows.ts";
import { sourcesOf } from "./sources.ts";
import type { StoredTemplate, TemplateToStore } from "./stored-template.ts";
import type { Present } from "./verdict.ts";

/** What of a template that is here decides about a line of the same id. */
export interface PresentTemplate extends Present {
  readonly revision: number;
  readonly status: TemplateStatus;
  /** Bytes of the document: it gets shorter without a new revision where an owner is deleted. */
  readonly bytes: number;
}

const PRESENT = `SELECT templates.id AS id, revision, status, updated_at AS "updatedAt", octet_length(document) AS bytes,
    CASE WHEN octet_length(document) = value ->> '$.bytes' THEN document END AS document
  FROM json_each(?1) CROSS JOIN templates ON templates.id = value ->> '$.id'`;

type PresentRow = Omit<PresentTemplate, "isSameDocument"> & { readonly id: string; readonly document: string | null };

export async function presentTemplates(
  db: Database,
  templates: readonly StoredTemplate[],
): Promise<Map<string, PresentTemplate>> {
  const texts = new Map(templates.map(({ id, template }) => [id, template?.document ?? ""]));
  const asked = [...texts].map(([id, text]) => ({ id, bytes: bytesOf(text) }));
  const { results } = await inStorage(() => db.sql(PRESENT, JSON.stringify(asked)).all<PresentRow>());
  return new Map(
    results.map(({ document, ...row }) => {
      const isSameDocument = document !== null && isSameText(document, texts.get(row.id)!);
      return [row.id, { ...row, isSameDocument }];
    }),
  );
}

const columns = [
  ["id", "id"],
  ["status", "status"],
  ["tenant", "tenant"],
  ["revision", "revision"],
  ["revision_note", "revisionNote"],
  ["updated_at", "updatedAt"],
  ["search_text", "searchText"],
  ["document", "document"],
] as const;
const long = ["searchText", "document"] as const;
const keys = columns.map(([, key]) => key);

const INSERT = `INSERT INTO templates (created_at, ${columns.map(([column]) => column).join(", ")})
  SELECT line."createdAt", ${keys.map((key) => `line."${key}"`).join(", ")} FROM`;

/** Statements that store new templates. They fail if an id is taken by now. */
export const insertions = (db: Database, templates: readonly TemplateToStore[]): D1PreparedStatement[] =>
  sourcesOf(templates, ["createdAt", ...keys], long).map(({ text, parameters }) =>
    db.sql(`${INSERT} ${text}`, ...parameters),
  );

/** A template, and what is here in its place. */
export interface Replacing extends TemplateToStore {
  readonly before: number;
  readonly bytes: number;
}

const UPDATE = `UPDATE templates SET revised_by = NULL, ${columns
  .filter(([column]) => column !== "id")
  .map(([column, key]) => `${column} = line."${key}"`)
  .join(", ")} FROM`;
const UNMOVED = `WHERE templates.id = line.id AND templates.revision = line.before
  AND octet_length(templates.document) = line.bytes RETURNING templates.id AS id`;

/** Statements that write over templates which nobody changed meanwhile; they return the ids of those written. */
export const replacements = (db: Database, templates: readonly Replacing[]): D1PreparedStatement[] =>
  sourcesOf(templates, ["before", "bytes", ...keys], long).map(({ text, parameters }) =>
    db.sql(`${UPDATE} ${text} ${UNMOVED}`, ...parameters),
  );

// Triggers keep each revision as it is written; only what a template was before it came here is put beside them.
const EARLIER = (source: string): string => `INSERT OR IGNORE INTO template_revisions
    (template_id, revision, revised_at, revised_by, revision_note, document)
  SELECT line.id, line.revision, line."revisedAt", NULL, line.note, line.document FROM ${source}
  WHERE EXISTS (SELECT 1 FROM templates WHERE templates.id = line.id AND templates.revision > line.revision)`;

/** Statements for what templates were before. What is here already stays. */
export const earlierRevisions = (db: Database, templates: readonly StoredTemplate[]): D1PreparedStatement[] =>
  sourcesOf(
    templates.flatMap(({ id, earlier }) => earlier.map((one) => ({ ...one, id }))),
    ["id", "revision", "revisedAt", "note", "document"],
    ["document"],
  ).map(({ text, parameters }) => db.sql(EARLIER(text), ...parameters));
