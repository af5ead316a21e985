import { inStorage, type Database } from "../db/client.ts";
import type { PendingSharable } from "./state.ts";

export interface Sharable {
  readonly token: string;
  readonly execution: string;
  readonly of: "execution" | "payload";
  readonly expiresAt: number;
  readonly payload: string | null;
}

const TOKEN = /^[A-Za-z0-9]{6,64}$/;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const TRIES = 5;

export type Made =
  | { readonly ok: true; readonly result: { readonly token: string; readonly expiredOn: string } }
  | { readonly ok: false; readonly fault: { readonly code: string; readonly message: string } };

const INSERT = `INSERT INTO sharables (token, execution, of, expires_at, payload) VALUES (?1, ?2, ?3, ?4, ?5)
  ON CONFLICT (token) DO UPDATE SET execution = ?2, of = ?3, expires_at = ?4, payload = ?5 WHERE sharables.expires_at <= ?6 OR sharables.execution = ?2
  RETURNING token`;

/** Makes a token, one of the script's own or a new one. A token that somebody else has is refused. */
export async function makeSharable(
  db: Database,
  execution: string,
  { of, payload, token, seconds }: PendingSharable,
  now: number,
  expiresAt: number,
): Promise<Made> {
  if (token !== undefined && !TOKEN.test(token)) {
    return refused("SHARABLE_INVALID", "A token has 6 to 64 letters and digits.");
  }
  // What is shared is its own; a way into an execution ends with it.
  const until = of === "payload" ? now + seconds * 1000 : Math.min(now + seconds * 1000, expiresAt);
  const body = of === "payload" ? JSON.stringify(payload ?? null) : null;
  for (let attempt = 0; attempt < (token === undefined ? TRIES : 1); attempt += 1) {
    const made = token ?? drawn();
    const { results } = await inStorage(() => db.sql(INSERT, made, execution, of, until, body, now).all());
    if (results.length > 0) return { ok: true, result: { token: made, expiredOn: new Date(until).toISOString() } };
  }
  return refused("SHARABLE_TAKEN", "There is such a token already.");
}

const refused = (code: string, message: string): Made => ({ ok: false, fault: { code, message } });

/** Six letters and digits, each as likely as the others. */
function drawn(): string {
  let token = "";
  while (token.length < 6) {
    for (const byte of crypto.getRandomValues(new Uint8Array(16))) {
      // 252 is the last multiple of 36 that a byte can be.
      if (byte < 252 && token.length < 6) token += LETTERS[byte % 36]!;
    }
  }
  return token;
}

export async function findSharable(db: Database, token: string, now: number): Promise<Sharable | undefined> {
  if (!TOKEN.test(token)) return undefined;
  const text = `SELECT token, execution, of, expires_at AS "expiresAt", payload FROM sharables WHERE token = ? AND expires_at > ?`;
  const { results } = await inStorage(() => db.sql(text, token, now).all<Sharable>());
  return results[0];
}

/** Forgets the tokens that lead to an execution. */
export async function dropSharables(db: Database, execution: string): Promise<void> {
  await inStorage(() => db.sql("DELETE FROM sharables WHERE execution = ? AND of = 'execution'", execution).run());
}
