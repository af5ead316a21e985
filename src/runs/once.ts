import { inStorage, type Database } from "../db/client.ts";
import { AppError } from "../platform/errors.ts";
import { sha256Of } from "../platform/ids.ts";

const DAY_MS = 24 * 3600_000;
const TAKE = `INSERT INTO idempotency (key, fingerprint, answer, expires_at) VALUES (?1, ?2, ?3, ?4)
  ON CONFLICT (key) DO UPDATE SET fingerprint = ?2, answer = ?3, expires_at = ?4 WHERE expires_at <= ?5`;

/** A request that its sender may repeat. */
export interface Repeated {
  /** What the sender sent as Idempotency-Key. */
  readonly key: string;
  /** In whose space keys are told apart. */
  readonly of: string;
  /** All that must be the same. */
  readonly request: string;
}

/**
 * The id of the run that a request begins: the fresh one, or under a key that was used within a day the one that it got
 * then. The id is kept before the run begins, and a run is begun once under an id, so a crash between both costs nothing.
 */
export async function onceFor(db: Database, repeated: Repeated, fresh: string, now: number): Promise<string> {
  if (!/^[\x20-\x7e]{1,255}$/.test(repeated.key)) {
    const parameter = "idempotency-key";
    const detail = "Use 1 to 255 printable characters.";
    throw new AppError("INVALID_PARAMETER", { message: `Invalid ${parameter} parameter`, parameter, detail });
  }
  const key = await sha256Of(`run\n${repeated.of}\n${repeated.key}`);
  const fingerprint = await sha256Of(repeated.request);
  const [, found] = await inStorage(() =>
    db.batch<{ fingerprint: string; answer: string }>([
      db.sql(TAKE, key, fingerprint, JSON.stringify({ run: fresh }), now + DAY_MS, now),
      db.sql("SELECT fingerprint, answer FROM idempotency WHERE key = ?", key),
    ]),
  );
  const known = found!.results[0]!;
  if (known.fingerprint !== fingerprint) throw new AppError("IDEMPOTENCY_KEY_REUSED");
  return (JSON.parse(known.answer) as { run: string }).run;
}
