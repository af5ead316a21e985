import { inStorage, type Database } from "../db/client.ts";
import { AppError } from "../platform/errors.ts";
import { isRecord } from "../platform/shape.ts";
import type { FlowDocument } from "./model.ts";
import { effectiveValues, missingIn, resolvedGraph, type TemplateForm, type Values } from "./variables.ts";

/**
 * An instance is kept without a graph and told with the one of its template's revision. Whatever reads documents has
 * them told here, and whatever writes them has them kept here.
 */
type Kept = Omit<FlowDocument, "graph" | "instance"> & {
  readonly fromTemplate: string;
  readonly instance: { readonly revision: number; readonly values: Values };
};

/** How the text of an instance has it; in a text of JSON it cannot stand for anything but these keys. */
const MARK = '"instance":{"revision":';

/** The document of an instance as it is kept; undefined for any other. */
function keptIn(text: string | null | undefined): Kept | undefined {
  if (typeof text !== "string" || !text.includes(MARK)) return undefined;
  const document = JSON.parse(text) as Partial<FlowDocument>;
  return document.graph === undefined && isRecord(document.instance) ? (document as unknown as Kept) : undefined;
}

/** The document of an instance as everybody sees it. */
export function toldDocument(kept: Omit<Kept, "graph">, template: TemplateForm): FlowDocument {
  const { instance, ...document } = kept;
  const { revision, values } = instance;
  const variables = template.variables ?? {};
  return {
    ...document,
    graph: resolvedGraph(template, values),
    instance: {
      revision,
      values,
      effective: effectiveValues(variables, values),
      missing: missingIn(variables, values),
    },
  };
}

interface Read {
  readonly document: string;
  readonly template?: TemplateForm;
}

/** Rows with their documents as everybody sees them. Only where there are instances does it ask the database. */
export async function tellInstances<T extends Read>(db: Database, rows: readonly T[]): Promise<T[]> {
  const kept = rows.map((row) => keptIn(row.document));
  const wanted = new Set(kept.flatMap((document) => (document === undefined ? [] : [keyOf(document)])));
  if (wanted.size === 0) return [...rows];
  const templates = await findForms(db, [...wanted]);
  return rows.map((row, at) => {
    const document = kept[at];
    if (document === undefined) return row;
    const template = templates.get(keyOf(document));
    if (template === undefined) throw new AppError("REVISION_NOT_FOUND", { detail: "Its template is deleted." });
    return { ...row, document: JSON.stringify(toldDocument(document, template)), template };
  });
}

const keyOf = ({ fromTemplate, instance }: Kept): string => formKey(fromTemplate, instance.revision);
export const formKey = (templateId: string, revision: number): string => `${templateId}/${revision}`;

const FORMS = `SELECT r.template_id || '/' || r.revision AS key, r.document AS document FROM json_each(?1) CROSS JOIN template_revisions AS r
  ON r.template_id = substr(value, 1, instr(value, '/') - 1) AND r.revision = CAST(substr(value, instr(value, '/') + 1) AS INTEGER)`;

/** Revisions of templates never change, so they are remembered; but no more than an isolate has room for. */
const remembered = new Map<string, { readonly form: TemplateForm; readonly size: number }>();
const MOST_REMEMBERED = 4 * 1024 * 1024;

/** Templates' revisions by their keys. */
export async function findForms(db: Database, keys: readonly string[]): Promise<Map<string, TemplateForm>> {
  const forms = new Map<string, TemplateForm>();
  for (const key of keys) {
    const known = remembered.get(key);
    if (known !== undefined) forms.set(key, known.form);
  }
  const unknown = keys.filter((key) => !forms.has(key));
  if (unknown.length === 0) return forms;
  const find = db.sql(FORMS, JSON.stringify(unknown));
  const { results } = await inStorage(() => find.all<{ key: string; document: string }>());
  for (const { key, document } of results) {
    const form = JSON.parse(document) as TemplateForm;
    forms.set(key, form);
    remember(key, form, document.length);
  }
  return forms;
}

function remember(key: string, form: TemplateForm, size: number): void {
  remembered.set(key, { form, size });
  let all = 0;
  for (const { size: one } of remembered.values()) all += one;
  for (const [oldest, { size: one }] of remembered) {
    if (all <= MOST_REMEMBERED) return;
    remembered.delete(oldest);
    all -= one;
  }
}

/** A document as it is kept. */
export function keptText(document: string): string {
  if (!document.includes(MARK)) return document;
  const { graph: _, ...rest } = JSON.parse(document) as FlowDocument;
  if (!isRecord(rest.instance)) return document;
  const { revision, values } = rest.instance;
  return JSON.stringify({ ...rest, instance: { revision, values } });
}

/** Bytes that the graph of an instance adds to a row of `flows`; nothing is read for a flow that is none. */
export const ADDED_BYTES = `CASE WHEN flows.from_template IS NULL THEN 0 ELSE coalesce((SELECT octet_length(form.document)
  FROM template_instances AS made CROSS JOIN template_revisions AS form ON form.template_id = made.template_id AND form.revision = made.revision
  WHERE made.template_id = flows.from_template AND made.pos = flows.pos), 0) END`;
