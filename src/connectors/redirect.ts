import { refusalOfAddress, refusalOfForm } from "./address.ts";
import { ConnectorError } from "./fault.ts";
import { withoutBody, withoutCredentials } from "./headers.ts";

/** One request of a chain. */
export interface Hop {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: string | Uint8Array | undefined;
}

export interface Allowed {
  readonly allowPrivate: boolean;
  readonly sensitive?: readonly string[] | undefined;
}

const redirects = new Set([301, 302, 303, 307, 308]);

/** Where an answer leads on to, as it was written. */
export const locationOf = ({ status, headers }: Response): string | null =>
  redirects.has(status) ? headers.get("location") : null;

/** The next request of a chain, as the Fetch standard makes it, after the same checks as the first. */
export function nextHop(hop: Hop, status: number, location: string, allowed: Allowed): Hop {
  const url = URL.parse(location, hop.url.href);
  if (url === null) throw refused(`${hop.url.origin} redirects to something that is no address.`);
  demandAddress(url, allowed, `${hop.url.origin} redirects to an address that is not called. `);
  if (hop.url.protocol === "https:" && url.protocol === "http:" && !allowed.allowPrivate) {
    throw refused(`${hop.url.origin} redirects from https to http, which is not followed.`);
  }
  const becomesGet =
    status === 303 ? hop.method !== "GET" && hop.method !== "HEAD" : status < 303 && hop.method === "POST";
  const kept = becomesGet ? withoutBody(hop.headers) : hop.headers;
  return {
    method: becomesGet ? "GET" : hop.method,
    url,
    headers: url.origin === hop.url.origin ? kept : withoutCredentials(kept, allowed.sensitive ?? []),
    body: becomesGet ? undefined : hop.body,
  };
}

/** Refuses an address that is not called. */
export function demandAddress(url: URL, { allowPrivate }: Allowed, said = ""): void {
  const refusal = allowPrivate ? refusalOfForm(url) : refusalOfAddress(url);
  if (refusal !== undefined) throw refused(`${said}${refusal}`);
}

const refused = (message: string): ConnectorError => new ConnectorError("ADDRESS_REFUSED", message);
