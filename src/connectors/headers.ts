import { ConnectorError } from "./fault.ts";

/** What HTTP itself, the runtime or a proxy says, and never a caller. */
const reserved =
  /^(?:host|content-length|connection|keep-alive|proxy-connection|transfer-encoding|te|trailers?|upgrade|expect|via|forwarded|x-real-ip|true-client-ip|cdn-loop|http2-settings|(?:cf|x-forwarded|sec-websocket)-.*)$/;
const token = /^[\w!#$%&'*+.^`|~-]{1,200}$/;
/** The runtime takes more than ASCII, but writes the value into its log. */
const valueOfHeader = /^[\t\u0020-\u007e]*$/;

/** Headers that tell who is calling, by their own name or by what such names have in common. */
export const credential =
  /^(?:authorization|proxy-authorization|cookie2?)$|api-?key|auth|token|secret|signature|password/;
const ofBody = new Set(["content-type", "content-encoding", "content-language", "content-location"]);

/** The headers of a call, each of them one that a caller may set. */
export function headersOf(written: Readonly<Record<string, string>>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(written)) {
    if (!token.test(name)) {
      throw invalid("A header has a name that is none. Use letters, digits and hyphens.");
    }
    if (reserved.test(name.toLowerCase())) {
      throw invalid(`The header ${name} is set by the connection. Leave it out.`);
    }
    if (typeof value !== "string" || !valueOfHeader.test(value)) {
      throw invalid(`The header ${name} holds a line break or a character outside ASCII. Use plain ASCII text.`);
    }
    headers.append(name, value);
  }
  return headers;
}

/** What is left when a redirect leads to another origin. */
export function withoutCredentials(headers: Headers, sensitive: readonly string[]): Headers {
  const named = new Set(sensitive.map((name) => name.toLowerCase()));
  return new Headers([...headers].filter(([name]) => !named.has(name) && !credential.test(name)));
}

/** What is left when a redirect turns the request into a GET. */
export const withoutBody = (headers: Headers): Headers =>
  new Headers([...headers].filter(([name]) => !ofBody.has(name)));

const invalid = (message: string): ConnectorError => new ConnectorError("REQUEST_INVALID", message);
