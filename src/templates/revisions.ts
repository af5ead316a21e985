import { inStorage } from "../db/client.ts";
import type { Revision } from "../flows/revisions.ts";
import type { Context } from "../identity/context.ts";
import { getTemplate } from "./get.ts";

interface Row {
  readonly revision: number;
  readonly at: number;
  readonly by: string | null;
  readonly note: string;
}

const LIST = `SELECT revision, revised_at AS at, revised_by AS by, revision_note AS note FROM template_revisions
  WHERE template_id = ?1 AND revision < ?2 ORDER BY revision DESC LIMIT ?3`;

/** The revisions of a template, newest first, from below the given number on. All are kept as long as the template. */
export async function listTemplateRevisions(
  ctx: Context,
  id: string,
  page: { readonly before: number; readonly size: number },
): Promise<{ data: Revision[]; meta: { before: number | null } }> {
  const { id: templateId } = await getTemplate(ctx, id);
  const list = ctx.db.sql(LIST, templateId, page.before, page.size + 1);
  const { results } = await inStorage(() => list.all<Row>());
  const data = results.slice(0, page.size).map(({ at, ...row }) => ({ ...row, at: new Date(at).toISOString() }));
  return { data, meta: { before: results.length > page.size ? data.at(-1)!.revision : null } };
}
