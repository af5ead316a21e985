import type { MiddlewareHandler } from "hono";

import { constraintIn, inStorage } from "../db/client.ts";
import { AppError } from "../platform/errors.ts";
import { headerParameter, send, type Answer } from "../platform/http.ts";
import { sha256Of } from "../platform/ids.ts";
import type { Context, HttpEnv, Repeatable } from "./context.ts";
import { reachOf, reachParameters, within } from "./ownership.ts";

const HOURS_24 = 24 * 60 * 60 * 1000;

/** Documents the header on a route. */
export const idempotencyHeader = headerParameter(
  "idempotency-key",
  "0b9c8a51-6a0e-4c12-9d9d-2f1d4f3f8a77",
  "Makes it safe to send the request again: within 24 hours the same key with the same request gets the same answer and does nothing twice. With another request it is refused with 422. 1 to 255 printable characters.",
);

type Known = Pick<Context, "db" | "now"> & { readonly repeat?: Repeatable | undefined };

/**
 * Commits a change together with the record of its answer: both or neither. If a twin of the request was first, nothing
 * is changed and REQUEST_UNDER_WAY is thrown; `repeatable` then answers what the twin got.
 */
export async function unlessTaken<T>(commit: () => Promise<T>): Promise<T> {
  try {
    return await commit();
  } catch (error) {
    if (constraintIn(error) === "idempotency.key") throw new AppError("REQUEST_UNDER_WAY");
    throw error;
  }
}

/** A record, and the rows under its key: parts of a long answer (#), single flows of a request about several (:). */
const UNDER = "(key = ?1 OR (key > ?1 || '#' AND key < ?1 || ';'))";
/** Removes the record of a key whose time is over. */
const OVER = `DELETE FROM idempotency WHERE ${UNDER} AND NOT EXISTS (SELECT 1 FROM idempotency WHERE key = ?1 AND expires_at > ?2)`;
const RECORD = "INSERT INTO idempotency (key, fingerprint, answer, expires_at)";
/** Characters that one value of the database holds in any case. */
const MOST_IN_A_ROW = 500_000;

/** Statements that record an answer; they fail if the key is taken. */
export function recordOf({ db, repeat, now }: Known, answer: Answer | null): D1PreparedStatement[] {
  if (repeat === undefined) return [];
  const { key, fingerprint } = repeat;
  const row = (name: string, text: string | null) =>
    db.sql(`${RECORD} VALUES (?, ?, ?, ?)`, name, fingerprint, text, now() + HOURS_24);
  const [first = null, ...rest] = answer === null ? [] : piecesOf(JSON.stringify(answer));
  return [db.sql(OVER, key, now()), row(key, first), ...rest.map((piece, at) => row(partOf(key, at), piece))];
}

const partOf = (key: string, at: number): string => `${key}#${String(at + 1).padStart(3, "0")}`;

/** Cuts no character in two. */
function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += pieces.at(-1)!.length) {
    const piece = text.slice(at, at + MOST_IN_A_ROW);
    pieces.push(piece.isWellFormed() ? piece : piece.slice(0, -1));
  }
  return pieces;
}

/** The same for a change that may come to nothing: to stand right after a statement that changed a row if it did not. */
export function recordIfChanged(
  { db, repeat, now }: Known,
  answer: Answer,
): [before: D1PreparedStatement[], after: D1PreparedStatement[]] {
  if (repeat === undefined) return [[], []];
  const { key, fingerprint } = repeat;
  const rows = piecesOf(JSON.stringify(answer)).map((piece, at) =>
    db.sql(
      `${RECORD} SELECT ?, ?, ?, ? WHERE changes() > 0`,
      at === 0 ? key : partOf(key, at - 1),
      fingerprint,
      piece,
      now() + HOURS_24,
    ),
  );
  return [[db.sql(OVER, key, now())], rows];
}

/** Fills in the answer of a request that was recorded before it was known; answers what a twin filled in before. */
export async function settleRecord(ctx: Known, answer: Answer): Promise<Answer> {
  const { db, repeat } = ctx;
  if (repeat === undefined) return answer;
  const text = "UPDATE idempotency SET answer = ? WHERE key = ? AND answer IS NULL RETURNING key";
  const settled = await inStorage(() => db.sql(text, JSON.stringify(answer), repeat.key).all());
  return settled.results.length > 0 ? answer : ((await recall(ctx, repeat)) ?? answer);
}

interface Recorded {
  readonly fingerprint: string;
  readonly answer: string | null;
}

const FIND = `SELECT fingerprint, answer FROM idempotency WHERE (key = ?1 OR (key > ?1 || '#' AND key < ?1 || '$')) AND expires_at > ?2 ORDER BY key`;

/** What the key stands for: undefined if it is new, null if its request has not been answered yet. */
async function recall({ db, now }: Known, { key, fingerprint }: Repeatable): Promise<Answer | null | undefined> {
  const { results } = await inStorage(() => db.sql(FIND, key, now()).all<Recorded>());
  const [found] = results;
  if (found === undefined) return undefined;
  if (found.fingerprint !== fingerprint) throw new AppError("IDEMPOTENCY_KEY_REUSED");
  return found.answer === null ? null : (JSON.parse(results.map(({ answer }) => answer).join("")) as Answer);
}

/** Removes records that nobody can ask for any more. */
export const forgetRecords = (db: Known["db"], now: number, most: number): D1PreparedStatement =>
  db.sql(
    "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
    now,
    most,
  );

/** Answers a request that was answered before as it was then, unless what it told of is gone. */
export const repeatable: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const sent = c.req.header("idempotency-key");
  if (sent === undefined) return next();
  if (!/^[\x20-\x7e]{1,255}$/.test(sent)) throw badKey();
  const { context } = c.var;
  const repeat = await repeatOf(context.actor.sub, sent, `${c.req.method} ${c.req.url}\n${c.var.bodyText ?? ""}`);
  const found = await recall(context, repeat);
  if (found) return again(c, found);
  c.set("context", { ...context, repeat, resumed: found === null });
  await next();
  if (!(c.error instanceof AppError)) return undefined;
  // Whatever stood in the way: if the request was carried out by then, by a twin or unheard, this is its answer.
  const done = await recall(context, repeat).catch(() => undefined);
  if (!done) return undefined;
  for (const header of ["etag", "retry-after"]) c.header(header, undefined);
  c.res = await again(c, done);
  return undefined;
};

function badKey(): AppError {
  const parameter = "idempotency-key";
  const message = `Invalid ${parameter} parameter`;
  return new AppError("INVALID_PARAMETER", { message, parameter, detail: "Use 1 to 255 printable characters." });
}

async function again(c: Parameters<typeof repeatable>[0], answer: Answer): Promise<Response> {
  if (await isGone(c.var.context, answer.about ?? [])) throw new AppError("FLOW_NOT_FOUND");
  c.header("idempotency-replayed", "true");
  return send(c, answer);
}

const COUNT = `SELECT count(*) AS n FROM flows WHERE id IN (SELECT value FROM json_each(?1)) AND ${within(2)}`;

/** What is deleted, or not within reach any more, is not read again out of an old answer. */
async function isGone({ db, actor }: Context, ids: readonly string[]): Promise<boolean> {
  if (ids.length === 0) return false;
  const count = db.sql(COUNT, JSON.stringify(ids), ...reachParameters(reachOf(actor)));
  const { results } = await inStorage(() => count.all<{ n: number }>());
  return results[0]!.n < ids.length;
}

async function repeatOf(account: string, key: string, request: string): Promise<Repeatable> {
  const [first, second] = await Promise.all([sha256Of(JSON.stringify([account, key])), sha256Of(request)]);
  return { key: first, fingerprint: second };
}
