import { constraintIn, inStorage } from "../db/client.ts";
import { finding, type Finding } from "../flows/findings.ts";
import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { MOST_BYTES_OF_A_DOCUMENT } from "./documents.ts";
import { importDocuments, type Import, type Importer, type Outcomes } from "./import.ts";
import type { ImportReport } from "./report.ts";
import { readTemplate, type StoredTemplate } from "./stored-template.ts";
import {
  earlierRevisions,
  insertions,
  presentTemplates,
  replacements,
  type PresentTemplate,
  type Replacing,
} from "./template-rows.ts";
import { verdictOn, type Verdict } from "./verdict.ts";

/** Stores templates as they were elsewhere, with their ids, dates, owners, tenant and status. */
export function importTemplates(ctx: Context, asked: Import): Promise<ImportReport> {
  const importer: Importer<StoredTemplate> = {
    noun: "template",
    most: MOST_BYTES_OF_A_DOCUMENT,
    prepare: () => Promise.resolve(readTemplate),
    write: (templates, isDry) => write(ctx, templates, isDry),
  };
  return importDocuments(ctx, asked, importer);
}

const TRIES = 10;

async function write({ db }: Context, templates: readonly StoredTemplate[], isDry: boolean): Promise<Outcomes> {
  const verdicts = new Map<string, Verdict | readonly Finding[]>();
  let open = templates;
  for (let attempt = 0; open.length > 0; attempt += 1) {
    const present = await presentTemplates(db, open);
    for (const one of open) verdicts.set(one.id, verdictFor(one, present.get(one.id)));
    if (isDry) break;
    const added = open.flatMap(({ id, template }) => (verdicts.get(id) === "imported" ? (template ?? []) : []));
    const replacing = open.flatMap(({ id, template }): Replacing[] => {
      if (verdicts.get(id) !== "updated" || template === undefined) return [];
      const { revision: before, bytes } = present.get(id)!;
      return [{ ...template, before, bytes, revision: Math.max(before + 1, template.revision) }];
    });
    const insert = insertions(db, added);
    const replace = replacements(db, replacing);
    const taken = open.filter(({ id }) => verdicts.get(id) !== "kept");
    const statements = [...insert, ...replace, ...earlierRevisions(db, taken)];
    if (statements.length === 0) break;
    try {
      const results = await inStorage(() => db.batch<{ id: string }>(statements));
      const replaced = results.slice(insert.length, insert.length + replace.length).flatMap(({ results: ids }) => ids);
      const written = new Set(replaced.map(({ id }) => id));
      const lost = new Set(replacing.flatMap(({ id }) => (written.has(id) ? [] : id)));
      open = open.filter(({ id }) => lost.has(id));
    } catch (error) {
      if (constraintIn(error) !== "templates.id") throw error;
    }
    if (attempt === TRIES && open.length > 0) throw new AppError("STORAGE_UNAVAILABLE");
  }
  return verdicts;
}

/** More of what a template was is nothing without the template. */
function verdictFor({ template }: StoredTemplate, present: PresentTemplate | undefined): Verdict | readonly Finding[] {
  if (template !== undefined) return verdictOn(template, present);
  if (present !== undefined) return "unchanged";
  return [finding("TEMPLATE_NOT_FOUND", ["revisionsOf"], "The template is not here.", "It stands on a line before.")];
}
