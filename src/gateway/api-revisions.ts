import { changesBetween, patchBetween } from "../flows/diff.ts";
import { wordsFor } from "../flows/diff-words.ts";
import type { FlowDocument } from "../flows/model.ts";
import { getRevision, listRevisions } from "../flows/revisions.ts";
import type { Api } from "../apis/model.ts";
import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import type { Answer } from "../platform/http.ts";
import { wordsForApi } from "./api-words.ts";
import { getApi } from "./drafts.ts";
import { publish, type Saving } from "./save.ts";

const MOST_NOTE = 500;

/** The revisions of an API that are kept, newest first. */
export async function listApiRevisions(ctx: Context, id: string, page: Parameters<typeof listRevisions>[2]) {
  const { row } = await getApi(ctx, id);
  return listRevisions(ctx, row.id, page);
}

/** One revision of an API, as the whole flow was then. */
export async function getApiRevision(ctx: Context, id: string, revision: number) {
  const { row } = await getApi(ctx, id);
  return getRevision(ctx, row.id, revision);
}

/** What makes one revision of another, over the whole flow. */
export async function diffApiRevisions(ctx: Context, id: string, from: number, to: number) {
  const { row } = await getApi(ctx, id);
  const [before, after] = (await Promise.all([from, to].map((number) => getRevision(ctx, row.id, number)))).map(
    ({ document }) => document,
  ) as [FlowDocument, FlowDocument];
  const changes = changesBetween(before, after);
  const others = changes.filter(({ what }) => what !== "api");
  const words = [others.length === 0 ? "" : wordsFor(others), wordsBetween(before, after)].filter(Boolean).join(" ");
  return { from, to, words: words || "No change.", changes, patch: patchBetween(before, after) };
}

function wordsBetween(before: FlowDocument, after: FlowDocument): string {
  const [one, other] = [before, after].map(apiIn);
  if (one === undefined || other === undefined) return one === other ? "" : "The API is another.";
  const words = wordsForApi(one, other);
  return words === "No change." ? "" : words;
}

const apiIn = ({ kind, api }: FlowDocument): Api | undefined => (kind === "api" ? (api as Api | undefined) : undefined);

/** Makes the API of an earlier revision the present one again, as a new revision. A draft stays as it is. */
export const rollbackApi = (
  ctx: Context,
  env: Env,
  { revision, ...which }: Saving & { readonly revision: number },
): Promise<Answer> =>
  publish(ctx, env, which, async ({ row }) => {
    const { document } = await getRevision(ctx, row.id, revision);
    const api = apiIn(document);
    if (api === undefined) throw new AppError("REVISION_NOT_FOUND", { detail: `Revision ${revision} was no API.` });
    const noteOf = (words: string) => `Rolled back to revision ${revision}. ${words}`.slice(0, MOST_NOTE);
    return { api, noteOf };
  });
