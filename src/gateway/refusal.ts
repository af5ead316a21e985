import { Body } from "./body.ts";

/** Everything that the gateway itself refuses a call with, or fails with. */
const table = {
  API_NOT_FOUND: { status: 404, title: "No API answers here." },
  RESOURCE_NOT_FOUND: { status: 404, title: "The API has no such resource." },
  METHOD_NOT_ALLOWED: { status: 405, title: "The resource has no such operation." },
  ADDRESS_NOT_ALLOWED: { status: 403, title: "Calls from this address are not taken." },
  RATE_LIMITED: { status: 429, title: "There were too many calls. Try again later." },
  SPIKE_ARRESTED: { status: 429, title: "The calls follow each other too fast. Try again later." },
  CLIENT_UNKNOWN: { status: 401, title: "The client is not known." },
  TOKEN_INVALID: { status: 401, title: "The access token is missing or no good." },
  SCOPE_MISSING: { status: 403, title: "The access token does not have the scope." },
  APP_WITHOUT_PLAN: { status: 403, title: "The app has no plan of this API." },
  JSON_REFUSED: { status: 400, title: "The JSON of the body is not taken." },
  XML_REFUSED: { status: 400, title: "The XML of the body is not taken." },
  BODY_TOO_LARGE: { status: 413, title: "The body is too large." },
  BODY_ENCODED: { status: 415, title: "The body is encoded in a way that is not read here. Send it plain." },
  BODY_BROKEN: { status: 400, title: "The body broke off." },
  CONDITION_REFUSED: { status: 403, title: "The call is not taken." },
  SCRIPT_REFUSED: { status: 403, title: "The call is not taken." },
  INTERNAL_CALL_REFUSED: { status: 502, title: "Another API, which was asked first, did not let the call go on." },
  INTERCEPTOR_FAILED: { status: 500, title: "An interceptor could not do its work." },
  GATEWAY_FAILED: { status: 500, title: "Something went wrong on our side." },
  CALL_DEPTH: { status: 508, title: "APIs call each other, or themselves, too deep." },
  DESTINATION_MISSING: { status: 502, title: "The operation has no destination." },
  DESTINATION_REFUSED: { status: 502, title: "The destination is an address that is not called." },
  DESTINATION_TIMEOUT: { status: 502, title: "The destination did not answer in time." },
  DESTINATION_UNREACHABLE: { status: 502, title: "The destination could not be reached." },
  ANSWER_TOO_LARGE: { status: 502, title: "The answer of the destination is too large to be read." },
  ANSWER_UNREADABLE: { status: 502, title: "The answer of the destination is encoded in a way that is not read here." },
  ANSWER_BROKEN: { status: 502, title: "The answer of the destination broke off." },
  GATEWAY_UNAVAILABLE: { status: 503, title: "The gateway is not available at the moment. Try again." },
} as const satisfies Record<string, { status: number; title: string }>;

export type RefusalCode = keyof typeof table;

/** An answer on its way to the client. */
export interface Answer {
  status: number;
  /** Replaceable; of one from outside, without what belongs to the connection. */
  headers: Headers;
  body: Body;
  /** Of a 101. */
  readonly webSocket?: WebSocket;
}

/** What ends a call before its destination is asked, or in place of what it answered. */
export interface Stop {
  readonly answer: Answer;
  /** Why; as it stands in the answer and in the trace. */
  readonly code: string;
}

export interface Refusing {
  readonly detail?: string | undefined;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Plain text in place of a problem. Default json. */
  readonly as?: "json" | "text";
  readonly requestId?: string;
}

/** The answer to a call that is refused: RFC 9457 with a stable `code`. Never tells what the gateway is made of. */
export function refuse(code: RefusalCode, { detail, status, headers, as, requestId }: Refusing = {}): Stop {
  const said = status ?? table[code].status;
  const { title } = table[code];
  const all = new Headers({ "cache-control": "no-store", ...headers });
  all.set("content-type", as === "text" ? "text/plain; charset=utf-8" : "application/problem+json");
  const problem = { type: "about:blank", title, status: said, code, detail, requestId };
  const text = as === "text" ? `${[title, detail].filter(Boolean).join(" ")}\n` : JSON.stringify(problem);
  return { code, answer: { status: said, headers: all, body: Body.of("answer", text) } };
}

/** An interceptor could not do its work. The message is for the author of the API, in traces; the client never sees it. */
export class InterceptorFault extends Error {
  override readonly name = "InterceptorFault";
}
