import { z } from "zod";

import { inStorage } from "../db/client.ts";
import type { Context } from "../identity/context.ts";
import { reachOf, reachParameters, within } from "../identity/ownership.ts";
import { recordIfChanged, unlessTaken } from "../identity/idempotency.ts";
import { demandMatch } from "../platform/conditional.ts";
import { AppError } from "../platform/errors.ts";
import type { Answer } from "../platform/http.ts";
import { flowAnswer, tagOf } from "./answer.ts";
import { wakeCouriers } from "./courier.ts";
import { Change, changesBetween, JsonPatchOperation, patchBetween } from "./diff.ts";
import { wordsFor } from "./diff-words.ts";
import { getFlow } from "./get.ts";
import { tellInstances } from "./instance.ts";
import { FlowDocument } from "./model.ts";
import { warningsOnSave } from "./references.ts";
import { timeOf } from "./store.ts";
import { editOf } from "./update.ts";
import { edits } from "./write.ts";

export const Revision = z
  .object({
    revision: z.int().meta({ description: "Its number; the highest is the present one.", example: 3 }),
    at: z.iso.datetime().meta({ description: "When it was made.", example: "2026-11-22T04:30:00.000Z" }),
    by: z.string().nullable().meta({
      description: "Account that made it; null if the account is deleted or nobody in particular made it.",
      example: "5c0000000000000000000002",
    }),
    note: z
      .string()
      .meta({ description: "What it changed, in words.", example: "Name changed. 1 node added (step_3)." }),
  })
  .meta({ id: "Revision", description: "One state of a flow's document." });
export type Revision = z.infer<typeof Revision>;

/** A page of revisions, of flows and of templates. */
export const revisionPage = (id: string, description: string) =>
  z
    .object({
      data: z.array(Revision).meta({ description: "Up to 50 revisions." }),
      meta: z
        .object({
          before: z
            .int()
            .nullable()
            .meta({ description: "Ask with this number for the next page; null on the last.", example: null }),
        })
        .meta({ description: "Where this page stands." }),
    })
    .meta({ id, description });

export const RevisionDocument = Revision.extend({
  document: FlowDocument.meta({ description: "The document as it was." }),
}).meta({ id: "RevisionDocument", description: "One state of a flow's document, with the document." });

export const RevisionDiff = z
  .object({
    from: z.int().meta({ description: "The revision that is compared.", example: 2 }),
    to: z.int().meta({ description: "The revision that it is compared with.", example: 3 }),
    words: z.string().meta({ description: "The difference in words.", example: "Name changed." }),
    changes: z.array(Change).meta({ description: "The difference by key, node and edge." }),
    patch: z.array(JsonPatchOperation).meta({ description: "JSON Patch (RFC 6902) that makes the one of the other." }),
  })
  .meta({ id: "RevisionDiff", description: "What two revisions differ in." });

interface Row {
  readonly revision: number;
  readonly at: number;
  readonly by: string | null;
  readonly note: string;
  readonly document: string;
}

const columns = `revision, revised_at AS at, revised_by AS by, revision_note AS note`;
const PRESENT = `FROM flows WHERE id = ?1 AND ${within(2)}`;
const EARLIER = `FROM revisions WHERE flow_id = ?1 AND EXISTS (SELECT 1 ${PRESENT})`;
const LIST = `SELECT ${columns} ${PRESENT} AND revision < ?4 UNION ALL SELECT ${columns} ${EARLIER} AND revision < ?4 ORDER BY 1 DESC LIMIT ?5`;
const FIND = `SELECT ${columns}, document ${PRESENT} AND revision IN (?4, ?5) UNION ALL SELECT ${columns}, document ${EARLIER} AND revision IN (?4, ?5)`;

const shown = ({ revision, at, by, note }: Omit<Row, "document">): Revision => ({ revision, at: timeOf(at), by, note });

const parameters = (ctx: Context, flowId: string) => [flowId, ...reachParameters(reachOf(ctx.actor))];

/** The revisions that are kept, newest first, from below the given number on. */
export async function listRevisions(
  ctx: Context,
  id: string,
  page: { readonly before: number; readonly size: number },
): Promise<{ data: Revision[]; meta: { before: number | null } }> {
  const { id: flowId } = await getFlow(ctx, id, "Flow not found");
  const list = ctx.db.sql(LIST, ...parameters(ctx, flowId), page.before, page.size + 1);
  const { results } = await inStorage(() => list.all<Row>());
  const data = results.slice(0, page.size).map(shown);
  return { data, meta: { before: results.length > page.size ? data.at(-1)!.revision : null } };
}

/** One revision with its document. */
export async function getRevision(ctx: Context, id: string, revision: number) {
  const { id: flowId } = await getFlow(ctx, id, "Flow not found");
  const [row] = await find(ctx, flowId, revision, revision);
  return { ...shown(row), document: documentIn(row) };
}

/** What makes one revision of another. */
export async function diffRevisions(ctx: Context, id: string, from: number, to: number) {
  const { id: flowId } = await getFlow(ctx, id, "Flow not found");
  const [before, after] = (await find(ctx, flowId, from, to)).map(documentIn) as [FlowDocument, FlowDocument];
  const changes = changesBetween(before, after);
  return { from, to, words: wordsFor(changes), changes, patch: patchBetween(before, after) };
}

const documentIn = (row: Row): FlowDocument => JSON.parse(row.document) as FlowDocument;

async function find(ctx: Context, flowId: string, first: number, second: number): Promise<[Row, Row]> {
  const both = ctx.db.sql(FIND, ...parameters(ctx, flowId), first, second);
  const { results: kept } = await inStorage(() => both.all<Row>());
  const results = await tellInstances(ctx.db, kept);
  return [first, second].map((revision) => {
    const row = results.find((found) => found.revision === revision);
    if (row === undefined) throw new AppError("REVISION_NOT_FOUND", { detail: `Revision ${revision} is not kept.` });
    return row;
  }) as [Row, Row];
}

const TRIES = 25;

/**
 * Makes an earlier document the present one again, as a new revision. Owners stay as they are: whoever lost the flow
 * does not get it back, and whoever got it does not lose it.
 */
export async function restoreRevision(
  ctx: Context,
  id: string,
  revision: number,
  ifMatch: string | undefined,
): Promise<Answer> {
  const reach = reachOf(ctx.actor);
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const row = await getFlow(ctx, id, "Flow not found");
    demandMatch(ifMatch, tagOf(row));
    const [found] = await find(ctx, row.id, revision, revision);
    const { owners: _, ...earlier } = documentIn(found);
    const gone = Object.fromEntries(restorable.filter((key) => !(key in earlier)).map((key) => [key, undefined]));
    const edit = editOf(ctx, row, { ...gone, ...earlier }, "restore");
    const note = `Revision ${revision} restored. ${edit.row.revisionNote}`.slice(0, 500);
    const restored = { ...edit, row: { ...edit.row, revisionNote: note } };
    const answer = flowAnswer(restored.row, 200, await warningsOnSave(ctx, restored.row));
    const [before, after] = recordIfChanged(ctx, answer);
    const [update, message, ...rest] = edits(ctx.db, [restored], reach, ctx.config.REVISION_LIMIT);
    const done = await unlessTaken(() =>
      inStorage(() => ctx.db.batch([...before, update!, message!, ...after, ...rest])),
    );
    if (done[before.length]!.results.length === 0) continue;
    wakeCouriers(ctx, [row.id]);
    return answer;
  }
  throw new AppError("REVISION_CONFLICT");
}

const restorable = Object.keys(FlowDocument.shape).filter((key) => key !== "owners");
