import type { Stage } from "../apis/interceptors.ts";
import type { Body } from "./body.ts";
import type { Call } from "./call.ts";
import { InterceptorFault, refuse, type Stop } from "./refusal.ts";

/** What an interceptor works on: the call on the request, its answer on the response. */
export interface Message {
  readonly headers: Headers;
  readonly body: Body;
}

export const messageOf = (call: Call, stage: Stage): Message => (stage === "response" ? call.answer! : call);

// A type that is said twice is one of both to whoever reads it.
const json = /(?:^|,)\s*[\w.+-]+\/(?:[\w.!#$&^-]+\+)*json\s*(?:[;,]|$)/i;

/** Whether headers say that their body is JSON. */
export const isJson = (headers: Headers): boolean => json.test(headers.get("content-type") ?? "");

/**
 * The JSON of a body; undefined for one that is empty or of another type. What only says that it is JSON is refused if
 * a client sent it: another reader may find in it what was to be changed here.
 */
export async function jsonOf(
  call: Call,
  stage: Stage,
  parse: (text: string) => unknown = JSON.parse,
): Promise<{ readonly json: unknown } | Stop | undefined> {
  const { headers, body } = messageOf(call, stage);
  if (body.isEmpty || !isJson(headers)) return undefined;
  const text = await body.text();
  if (text.trim() === "") return undefined;
  try {
    return { json: parse(text) };
  } catch {
    if (stage === "response") throw new InterceptorFault("The answer says that it is JSON, and is none.");
    return refuse("JSON_REFUSED", { detail: "It says that it is JSON, and is none.", requestId: call.id });
  }
}
