import { payloadIn } from "../connectors/request.ts";
import { headersOf } from "../connectors/headers.ts";
import type { ConfigOf, Stage } from "../apis/interceptors.ts";
import type { Call } from "./call.ts";
import { calloutHeaders } from "./headers.ts";
import { messageOf } from "./json-body.ts";
import { bodyMaker, headersMaker } from "./written.ts";

/** An answer as it stands in the context of a call. */
export interface Heard {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed where it is JSON; null if there is none. */
  readonly body: unknown;
}

export const heardOf = (status: number, headers: Readonly<Record<string, string>>, text: string): Heard => {
  const payload = payloadIn({ text, headers });
  return { status, headers, body: payload === undefined ? text : payload };
};

/** Whether a status is taken for good; without any that is expected, each 2xx is. */
export const isExpected = (status: number, expected: readonly number[]): boolean =>
  expected.length === 0 ? status >= 200 && status < 300 : expected.includes(status);

/** What is said of a body that is not sent along, and what only the client itself can read. */
const ofBody = ["content-type", "content-encoding", "content-language", "content-location", "content-md5", "digest"];
const ofEncoding = "accept-encoding";

/** Headers that a call hands on to a callout, without those of its body. */
function handedOn({ headers }: Call): Headers {
  const kept = calloutHeaders(headers);
  for (const name of [...ofBody, ofEncoding]) kept.delete(name);
  for (const [name, value] of headers) if (!maySend(name, value)) kept.delete(name);
  return kept;
}

/** What a client sent is no fault of the API that hands it on. */
function maySend(name: string, value: string): boolean {
  try {
    headersOf({ [name]: value });
    return true;
  } catch {
    return false;
  }
}

export interface Sent {
  readonly headers: Headers;
  readonly body: string | Uint8Array | undefined;
}

/** What both kinds of callouts send: what is kept of the call, and what the author wrote on top. */
export function sender(
  { preserveHeaders, preserveBody, headers: written, body }: ConfigOf<"internalCall" | "serviceCallout">,
  stage: Stage,
) {
  const [ownHeaders, ownBody] = [headersMaker(written), bodyMaker(body)];
  return async (call: Call): Promise<Sent> => {
    const headers = preserveHeaders ? handedOn(call) : new Headers();
    const [own, content] = [await ownHeaders(call, stage), await ownBody(call, stage)];
    const kept = preserveBody ? await keptBody(call, stage) : undefined;
    const type = kept?.type ?? content?.type;
    if (type !== undefined) headers.set("content-type", type);
    for (const [name, value] of own) headers.set(name, value);
    return { headers, body: kept?.bytes ?? content?.text };
  };
}

async function keptBody(
  call: Call,
  stage: Stage,
): Promise<{ bytes: Uint8Array; type: string | undefined } | undefined> {
  const { body, headers } = messageOf(call, stage);
  const bytes = await body.bytes();
  return bytes.byteLength === 0 ? undefined : { bytes, type: headers.get("content-type") ?? undefined };
}
