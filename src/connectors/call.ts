import { abandon, readBody, textOf } from "./body.ts";
import { Deadline } from "./deadline.ts";
import { ConnectorError } from "./fault.ts";
import { headersOf } from "./headers.ts";
import { demandAddress, locationOf, nextHop, type Hop } from "./redirect.ts";

export { ConnectorError, type ConnectorCode } from "./fault.ts";

const MOST_REDIRECTS = 5;
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** A request that an author aims. */
export interface HttpCall {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  /** For everything: all hops and the body. */
  readonly timeoutMs: number;
  /** Bytes that the body of the answer may have. */
  readonly mostBytes: number;
  /** Whether private addresses may be called and https may lead to http; for local development only. */
  readonly allowPrivate: boolean;
  /** Names of further headers that do not follow to another origin. */
  readonly sensitive?: readonly string[] | undefined;
  readonly fetch?: typeof fetch | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body: decoded as UTF-8 unless its type names another character set, or as base64 if it is no text. */
  readonly text: string;
  readonly encoding?: "base64";
  /** Size of the body. */
  readonly bytes: number;
  /** Where the answer came from, after redirects. */
  readonly url: string;
}

/** Makes a call that an author aims, and reads the answer within its limits. */
export async function callHttp(call: HttpCall): Promise<HttpAnswer> {
  const first = firstHop(call);
  const deadline = new Deadline(call.timeoutMs, first.url.origin);
  try {
    return await follow(call, first, deadline);
  } finally {
    deadline.clear();
  }
}

function firstHop(call: HttpCall): Hop {
  const method = call.method.toUpperCase();
  if (!methods.includes(method)) throw invalid(`The method is not one of ${methods.join(", ")}.`);
  const { body } = call;
  if (body !== undefined && (method === "GET" || method === "HEAD")) {
    throw invalid(`A ${method} has no body. Leave it out or use POST.`);
  }
  if (!(call.timeoutMs > 0)) throw invalid("timeoutMs is not above 0.");
  if (!(call.mostBytes >= 0)) throw invalid("mostBytes is not 0 or more.");
  const url = URL.parse(call.url);
  if (url === null) throw invalid("The url is not an absolute address, such as https://api.example.com/orders.");
  demandAddress(url, call);
  return { method, url, headers: headersOf(call.headers), body };
}

async function follow(call: HttpCall, first: Hop, deadline: Deadline): Promise<HttpAnswer> {
  let hop = first;
  for (let redirects = 0; ; redirects += 1) {
    const answer = await send(hop, call.fetch ?? fetch, deadline);
    const location = locationOf(answer);
    if (location === null) return read(answer, hop, call.mostBytes, deadline);
    abandon(answer.body);
    if (redirects === MOST_REDIRECTS) {
      const message = `${first.url.origin} redirects more than ${MOST_REDIRECTS} times.`;
      throw new ConnectorError("TOO_MANY_REDIRECTS", message);
    }
    hop = nextHop(hop, answer.status, location, call);
  }
}

async function send({ method, url, headers, body }: Hop, by: typeof fetch, deadline: Deadline): Promise<Response> {
  let late = false;
  const sending = async (): Promise<Response> => {
    // What the edge caches by address alone would be told to other tenants, whatever key they called with.
    const options = { redirect: "manual", cache: "no-store", signal: deadline.signal } as const;
    const answer = await by(url.href, { method, headers, ...(body === undefined ? {} : { body }), ...options });
    if (late) abandon(answer.body);
    return answer;
  };
  try {
    return await deadline.race(sending());
  } catch (error) {
    late = true;
    // The runtime's own words may quote the address with its query.
    throw error instanceof ConnectorError
      ? error
      : new ConnectorError("NETWORK", `${url.origin} could not be reached.`);
  }
}

async function read(
  answer: Response,
  { method, url }: Hop,
  mostBytes: number,
  deadline: Deadline,
): Promise<HttpAnswer> {
  // The content-length of an answer to HEAD is that of another answer.
  const bytes = method === "HEAD" ? new Uint8Array() : await readBody(answer, mostBytes, deadline, url.origin);
  if (method === "HEAD") abandon(answer.body);
  return {
    status: answer.status,
    headers: Object.fromEntries([...answer.headers.keys()].map((name) => [name, answer.headers.get(name) ?? ""])),
    ...textOf(bytes, answer.headers.get("content-type")),
    bytes: bytes.byteLength,
    url: url.href,
  };
}

const invalid = (message: string): ConnectorError => new ConnectorError("REQUEST_INVALID", message);
