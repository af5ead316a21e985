import { inStorage } from "../db/client.ts";
import { timeOf } from "../flows/store.ts";
import type { Context } from "../identity/context.ts";
import { reachOf, reachParameters } from "../identity/ownership.ts";
import { readableIds, templateColumns, type TemplateRow } from "../templates/store.ts";

type ExportRow = TemplateRow & { readonly revisionNote: string };
interface Earlier {
  readonly id: string;
  readonly revision: number;
  readonly at: number;
  readonly note: string;
  readonly document: string;
}

const MOST_BYTES_AT_ONCE = 4 * 1024 * 1024;

/** The first rows of a page that fit together; the very first in any case. */
const fitting = (page: string, order: string): string =>
  `SELECT *, sum(bytes) OVER (ORDER BY ${order}) AS running FROM (${page})`;
const FITS = `(running <= ${MOST_BYTES_AT_ONCE} OR running = bytes)`;

const PAGE = `SELECT id AS page_id, octet_length(document) AS bytes FROM templates
  WHERE id > ?3 AND (?1 IS NULL OR id IN ${readableIds(1)}) ORDER BY id LIMIT 100`;
const FIND = `SELECT ${templateColumns}, templates.revision_note AS "revisionNote"
  FROM (${fitting(PAGE, "page_id")}) CROSS JOIN templates ON templates.id = page_id WHERE ${FITS} ORDER BY page_id`;

// Who only reads a template sees it as it was published, and not the drafts before.
const WRITABLE = `(?4 IS NULL OR EXISTS (SELECT 1 FROM template_readers
    WHERE owner_id IN (?4, ?5) AND template_id = asked.value AND writes = 1))`;
const EARLIER_PAGE = `SELECT asked.key AS nth, was.template_id AS was_id, was.revision AS was_revision, octet_length(was.document) AS bytes
  FROM json_each(?1) AS asked CROSS JOIN template_revisions AS was ON was.template_id = asked.value
  WHERE ${WRITABLE} AND (was.template_id, was.revision) > (?2, ?3) AND was.revision < (SELECT revision FROM templates WHERE id = was.template_id)
  ORDER BY asked.key, was.revision LIMIT 1000`;
const EARLIER = `SELECT was_id AS id, was_revision AS revision, earlier.revised_at AS at, earlier.revision_note AS note, earlier.document AS document
  FROM (${fitting(EARLIER_PAGE, "nth, was_revision")})
  CROSS JOIN template_revisions AS earlier ON earlier.template_id = was_id AND earlier.revision = was_revision
  WHERE ${FITS} ORDER BY nth, was_revision`;

/**
 * Every template that the actor may read, in the order of ids, which is that of their making; a line for each, with all
 * that it was before if the actor may write it. What is too much for one line stands on further ones.
 */
export async function* exportedTemplates(ctx: Context): AsyncGenerator<string> {
  const reach = reachParameters(reachOf(ctx.actor));
  for (let behind = ""; ;) {
    const find = ctx.db.sql(FIND, ...reach, behind);
    const { results: rows } = await inStorage(() => find.all<ExportRow>());
    if (rows.length === 0) return;
    yield* linesOf(ctx, rows);
    behind = rows.at(-1)!.id;
  }
}

async function* linesOf(ctx: Context, rows: readonly ExportRow[]): AsyncGenerator<string> {
  const reach = reachParameters(reachOf(ctx.actor));
  const ids = JSON.stringify(rows.map(({ id }) => id));
  let last: Pick<Earlier, "id" | "revision"> = { id: "", revision: 0 };
  const more = async (): Promise<Earlier[]> => {
    const find = ctx.db.sql(EARLIER, ids, last.id, last.revision, ...reach);
    const { results } = await inStorage(() => find.all<Earlier>());
    last = results.at(-1) ?? last;
    return results;
  };
  let found = await more();
  for (const row of rows) {
    const isOwn = ({ id }: Earlier) => id === row.id;
    yield lineOf(row, found.filter(isOwn));
    found = found.filter((one) => !isOwn(one));
    while (found.length === 0 && last.id === row.id) {
      found = await more();
      if (found.length === 0) last = { id: "", revision: 0 };
      else if (isOwn(found[0]!)) yield moreOf(row.id, found.filter(isOwn));
      found = found.filter((one) => !isOwn(one));
    }
  }
}

function lineOf(row: ExportRow, revisions: readonly Earlier[]): string {
  const { id, status, createdAt, updatedAt, revision, revisionNote, document } = row;
  const times = { createdAt: timeOf(createdAt), updatedAt: timeOf(updatedAt) };
  const state = JSON.stringify({ id, status, ...times, revision, revisionNote });
  const earlier = revisions.length === 0 ? "" : `${listOf(revisions)},`;
  return `${state.slice(0, -1)},${earlier}${document.slice(1)}\n`;
}

const moreOf = (id: string, revisions: readonly Earlier[]): string =>
  `${JSON.stringify({ revisionsOf: id }).slice(0, -1)},${listOf(revisions)}}\n`;

function listOf(revisions: readonly Earlier[]): string {
  const all = revisions.map(({ revision, at, note, document }) => {
    return `${JSON.stringify({ revision, at: timeOf(at), note }).slice(0, -1)},"document":${document}}`;
  });
  return `"revisions":[${all.join(",")}]`;
}
