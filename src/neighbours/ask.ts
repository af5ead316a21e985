import { abandon, readBody } from "../connectors/body.ts";
import { Deadline } from "../connectors/deadline.ts";

const TIMEOUT_MS = 2000;
const MOST_BYTES = 1024 * 1024;

/** What a neighbour says of something that a flow refers to. */
export type Sight =
  | {
      readonly kind: "visible";
      /** Of a component that tells of them: what can be called. */
      readonly functions?: readonly string[];
      /** Of a secret: it could not be refreshed the last time. */
      readonly isBroken?: true;
    }
  | { readonly kind: "hidden" }
  | { readonly kind: "unanswered" };

export const VISIBLE: Sight = { kind: "visible" };
export const HIDDEN: Sight = { kind: "hidden" };
export const UNANSWERED: Sight = { kind: "unanswered" };

/** Of what is beyond the questions that a request may ask: no outage. */
export const UNASKED = { kind: "unasked" } as const;

export interface Reply {
  readonly status: number;
  readonly isJson: boolean;
  readonly json: () => Promise<unknown>;
}

/**
 * Asks a neighbour in the name of whoever holds the token, and reads the reply; undefined if there is none in time, or
 * none that can be read. Redirects are not followed: they would carry the token elsewhere. No error is passed on, since
 * it may quote what was sent or answered.
 */
export async function ask<T>(
  url: string,
  token: string,
  read: (reply: Reply) => Promise<T> | T,
): Promise<T | undefined> {
  const { origin } = new URL(url);
  const deadline = new Deadline(TIMEOUT_MS, origin);
  const headers = { authorization: `Bearer ${token}`, accept: "application/json" };
  // What is kept by address alone would be told to others, whatever they may see.
  const options = { redirect: "manual", cache: "no-store", signal: deadline.signal } as const;
  try {
    const answer = await deadline.race(fetch(url, { headers, ...options }));
    const json = async (): Promise<unknown> =>
      JSON.parse(new TextDecoder().decode(await readBody(answer, MOST_BYTES, deadline, origin)));
    const isJson = /^application\/(?:[\w.-]+\+)?json\b/i.test(answer.headers.get("content-type") ?? "");
    const said = await read({ status: answer.status, isJson, json });
    if (!answer.bodyUsed) abandon(answer.body);
    return said;
  } catch {
    return undefined;
  } finally {
    deadline.clear();
  }
}
