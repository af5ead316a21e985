import { AppError } from "../platform/errors.ts";
import { actorFrom, type Actor } from "./actor.ts";
import { Answers, inTime, type By } from "./answers.ts";
import { keyOfToken } from "./memory.ts";

const NEGATIVE_SECONDS = 5;
const TIMEOUT_MS = 5000;
/** For those who wait for what another request asked. */
const PATIENCE_MS = TIMEOUT_MS + 1000;

type Answer = { actor: Actor } | { error: AppError };
const answers = new Answers<Answer>();

export interface Introspection extends By {
  readonly endpoint: string;
  readonly serviceToken: string;
  readonly ttlSeconds: number;
}

/**
 * Asks the identity management who holds an opaque token. Answers are remembered under a hash of the token,
 * a token that is not known for a few seconds only; look-ups at the same time share one request.
 */
export async function introspect(by: Introspection, token: string): Promise<Actor> {
  const key = await keyOfToken([by.endpoint], token);
  const answer = answers.get(key, by.now()) ?? (await found(by, token, key));
  if ("error" in answer) throw answer.error;
  return answer.actor;
}

function found(by: Introspection, token: string, key: string): Promise<Answer> {
  const lastsMs = (answer: Answer) => secondsOf(answer, by.ttlSeconds) * 1000;
  const asked = answers.ask(key, by, { ask: () => ask(by, token), lastsMs, patienceMs: PATIENCE_MS });
  return inTime(PATIENCE_MS, asked, () => ({ error: new AppError("IDENTITY_UNAVAILABLE") }));
}

async function ask(by: Introspection, token: string): Promise<Answer> {
  try {
    const response = await fetch(by.endpoint, {
      method: "POST",
      headers: {
        authorization: `Bearer ${by.serviceToken}`,
        "x-auth-type": "basic",
        "content-type": "application/json",
        accept: "application/json",
      },
      body: JSON.stringify({ token }),
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status === 404) return { error: new AppError("TOKEN_NOT_FOUND") };
    if (!response.ok) {
      return { error: new AppError("IDENTITY_UNAVAILABLE", { cause: new Error(`IAM answered ${response.status}`) }) };
    }
    const body: unknown = await response.json();
    if (typeof body !== "object" || body === null) throw new Error("IAM answered no object");
    if ("active" in body && body.active === false) return { error: new AppError("TOKEN_EXPIRED") };
    return { actor: actorFrom(body as Record<string, unknown>) };
  } catch (cause) {
    return { error: cause instanceof AppError ? cause : new AppError("IDENTITY_UNAVAILABLE", { cause }) };
  }
}

/** An outage is not an answer about the token. */
function secondsOf(answer: Answer, ttlSeconds: number): number {
  if ("actor" in answer) return ttlSeconds;
  return answer.error.code === "IDENTITY_UNAVAILABLE" ? 0 : Math.min(NEGATIVE_SECONDS, ttlSeconds);
}
