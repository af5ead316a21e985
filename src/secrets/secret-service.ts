import { z } from "zod";

import { keyOfToken, Memory } from "../identity/memory.ts";
import type { Config } from "../platform/config.ts";
import { SecretFault } from "./fault.ts";
import { secretTypes } from "./model.ts";

const TIMEOUT_MS = 5000;
/** For how long a token is asked for, and for how long it is used: the identity management prolongs it at each use. */
const TOKEN_LIFE = "10m";
const TOKEN_USE_MS = 5 * 60_000;

export interface Asking {
  readonly config: Config;
  readonly fetch?: typeof fetch;
  readonly now: () => number;
}

const TokenAnswer = z.object({ token: z.string().min(1) });
const SecretAnswer = z.object({
  data: z.object({ type: z.enum(secretTypes), value: z.record(z.string(), z.unknown()) }),
});
type Found = z.infer<typeof SecretAnswer>["data"];

const tokens = new Memory<string>();

/** Reads a secret from the Open Integration Hub's Secret Service, with the right of the account. */
export async function askSecretService(by: Asking, id: string, account: string): Promise<Found> {
  const key = await keyOfToken([by.config.IAM_BASE_URL, account], by.config.IAM_TOKEN!);
  const known = tokens.get(key, by.now());
  const first = await fetchSecret(by, id, known ?? (await newToken(by, key, account)));
  // A token that was remembered may have been revoked meanwhile.
  const refused = first.status === 401 && known !== undefined;
  const { status, body } = refused ? await fetchSecret(by, id, await newToken(by, key, account)) : first;
  return answerIn(SecretAnswer, "The Secret Service", status, body).data;
}

function fetchSecret(by: Asking, id: string, token: string) {
  // The components of the original take the address with the path of its version.
  const base = by.config.SECRET_SERVICE_BASE_URL!.replace(/\/+$/, "").replace(/\/api\/v1$/, "");
  const headers = { authorization: `Bearer ${token}`, accept: "application/json" };
  return ask(by, "The Secret Service", `${base}/api/v1/secrets/${id}`, { headers });
}

/** A token of the account that may read secrets, as the original's orchestrator has one made, but not for ever. */
async function newToken(by: Asking, key: string, account: string): Promise<string> {
  const { IAM_BASE_URL: base, IAM_TOKEN: serviceToken } = by.config;
  const { status, body } = await ask(by, "The identity management", `${base!.replace(/\/+$/, "")}/tokens`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${serviceToken}`,
      "x-auth-type": "basic",
      "content-type": "application/json",
      accept: "application/json",
    },
    body: JSON.stringify({
      accountId: account,
      expiresIn: TOKEN_LIFE,
      description: "Made by the Flow Repository to read secrets of flows",
      customPermissions: ["secrets.secret.readRaw"],
      new: false,
    }),
  });
  const { token } = answerIn(TokenAnswer, "The identity management", status, body);
  tokens.set(key, token, by.now() + TOKEN_USE_MS);
  return token;
}

/** Redirects are not followed: they would carry a token elsewhere. */
async function ask(
  by: Asking,
  who: string,
  url: string,
  init: RequestInit,
): Promise<{ status: number; body: unknown }> {
  const send = by.fetch ?? fetch;
  try {
    const answer = await send(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (answer.status === 200) return { status: 200, body: await answer.json() };
    await answer.body?.cancel();
    return { status: answer.status, body: undefined };
  } catch {
    // The error may quote the answer, and with it the secret.
    throw new SecretFault(`${who} could not be reached, or its answer could not be read.`, true);
  }
}

function answerIn<T extends z.ZodType>(schema: T, who: string, status: number, body: unknown): z.output<T> {
  if (status !== 200) throw new SecretFault(`${who} answered ${status}.`, mayPass(status));
  const read = schema.safeParse(body);
  if (!read.success) throw new SecretFault(`${who} answered in a form that is not known.`, false);
  return read.data;
}

const mayPass = (status: number): boolean => status >= 500 || status === 408 || status === 429;
