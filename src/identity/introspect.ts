import { AppError } from "../platform/errors.ts";
import { actorFrom, type Actor } from "./actor.ts";
import { keyOfToken, Memory } from "./memory.ts";

const NEGATIVE_SECONDS = 5;
const TIMEOUT_MS = 5000;

type Answer = { actor: Actor } | { error: AppError };
const remembered = new Memory<Answer>();
const underWay = new Map<string, Promise<Answer>>();

export interface Introspection {
  readonly endpoint: string;
  readonly serviceToken: string;
  readonly ttlSeconds: number;
  readonly now: () => number;
  /** Keeps a look-up alive when the request that began it goes away while others wait for it. */
  readonly defer: (promise: Promise<unknown>) => void;
}

/**
 * Asks the identity management who holds an opaque token. Answers are remembered under a hash of the token,
 * a token that is not known for a few seconds only; look-ups at the same time share one request.
 */
export async function introspect(by: Introspection, token: string): Promise<Actor> {
  const key = await keyOfToken([by.endpoint], token);
  const found = remembered.get(key, by.now());
  if (found) return settle(found);

  const shared = underWay.get(key);
  const answer = shared ? await Promise.race([shared, givenUp()]) : await begin(by, token, key);
  return settle(answer);
}

async function begin(by: Introspection, token: string, key: string): Promise<Answer> {
  const asking = ask(by, token)
    .then((answer) => {
      remember(key, answer, by);
      return answer;
    })
    .finally(() => underWay.delete(key));
  underWay.set(key, asking);
  by.defer(asking);
  return asking;
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
    if (response.status !== 200) {
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

function remember(key: string, answer: Answer, by: Introspection): void {
  // An outage is not an answer about the token.
  if ("error" in answer && answer.error.code === "IDENTITY_UNAVAILABLE") return;
  const seconds = "actor" in answer ? by.ttlSeconds : Math.min(NEGATIVE_SECONDS, by.ttlSeconds);
  if (seconds === 0) return;
  remembered.set(key, answer, by.now() + seconds * 1000);
}

function settle(answer: Answer): Actor {
  if ("error" in answer) throw answer.error;
  return answer.actor;
}

const givenUp = (): Promise<Answer> =>
  new Promise((resolve) =>
    setTimeout(() => resolve({ error: new AppError("IDENTITY_UNAVAILABLE") }), TIMEOUT_MS + 1000),
  );
