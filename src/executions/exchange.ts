import { callHttp, ConnectorError } from "../connectors/call.ts";
import { addressWith, bodyAs, payloadIn } from "../connectors/request.ts";
import { backoffOf, mayPass, retryAfterOf, type RetryPolicy } from "../connectors/retry.ts";
import type { Config } from "../platform/config.ts";
import { authorizationOf } from "../secrets/authorize.ts";
import { SecretFault } from "../secrets/fault.ts";
import type { Secret } from "../secrets/open.ts";
import { hiddenIn, shownBy } from "./hidden.ts";
import type { PendingExchange } from "./state.ts";

export interface ExchangeWorld {
  readonly config: Config;
  readonly now: () => number;
  readonly fetch: typeof fetch;
  readonly secret: (id: string) => Promise<Secret>;
  /** The same for every try of one exchange, so that who is called can know it again. */
  readonly key: string;
}

/** What one try came to. */
export type Tried =
  | { readonly ok: true; readonly result: unknown }
  | {
      readonly ok: false;
      readonly fault: { readonly code: string; readonly message: string };
      /** Whether another try may go better, and what the other side asked to wait. */
      readonly mayPass: boolean;
      readonly waitMs?: number | undefined;
    };

const MOST_BYTES = 1024 * 1024;
const withoutBody = new Set(["GET"]);

/** Makes the call of an exchange once. Never throws. */
export async function tryExchange(exchange: PendingExchange, world: ExchangeWorld): Promise<Tried> {
  try {
    return await called(exchange, world);
  } catch (error) {
    if (error instanceof ConnectorError) return failed(`EXCHANGE_${error.code}`, error.message, error.mayPass);
    if (error instanceof SecretFault) return failed(error.code, error.message, error.mayPass);
    return failed("EXCHANGE_BROKEN", "The exchange failed for a reason of ours.", true);
  }
}

async function called(exchange: PendingExchange, world: ExchangeWorld): Promise<Tried> {
  const { method, url, query, body, contentType, credentials_id: credentials, timeout } = exchange;
  const address = addressWith(url, query);
  if (address === undefined) return failed("EXCHANGE_INVALID", "The url is not an address.", false);
  const sent = body === undefined || withoutBody.has(method) ? undefined : bodyAs(body, contentType);
  if (sent === undefined && body !== undefined && !withoutBody.has(method)) {
    return failed("EXCHANGE_INVALID", "A form needs an object for its body.", false);
  }
  const authorization = authorizationOf(credentials === undefined ? undefined : await world.secret(credentials));
  const answer = await callHttp({
    method,
    url: address,
    headers: {
      "user-agent": "flow-repository",
      accept: "application/json, */*;q=0.5",
      ...(sent === undefined ? {} : { "content-type": sent.mime }),
      ...(method === "GET" ? {} : { "idempotency-key": world.key }),
      ...authorization,
      ...Object.fromEntries(Object.entries(exchange.headers).map(([name, value]) => [name.toLowerCase(), value])),
    },
    body: sent?.text,
    timeoutMs: timeout * 1000,
    mostBytes: MOST_BYTES,
    allowPrivate: world.config.HTTP_ALLOW_PRIVATE === "true",
    fetch: world.fetch,
    sensitive: Object.keys(authorization),
  });
  if (answer.status < 200 || answer.status > 299) {
    // What it answered is not repeated: clients hear of the fault, and it may be what was sent.
    const waitMs = retryAfterOf(answer.headers["retry-after"], world.now());
    return { ...failed("EXCHANGE_STATUS", `The service answered ${answer.status}.`, mayPass(answer.status)), waitMs };
  }
  const result = hiddenIn(payloadIn(answer), shownBy(authorization));
  return result === undefined
    ? failed("EXCHANGE_ANSWER_INVALID", "The answer says that it is JSON, and is not.", false)
    : { ok: true, result };
}

const failed = (code: string, message: string, passes: boolean) =>
  ({ ok: false, fault: { code, message }, mayPass: passes }) as const;

/** Randomised exponential, as the original has it: three tries, the second after five seconds. */
export const policyOf = ({ retry }: Pick<PendingExchange, "retry">): RetryPolicy => ({
  attempts: retry?.attempts ?? 3,
  delayMs: (retry?.backoff ?? 5) * 1000,
  factor: 2,
  jitter: 0.5,
  mostDelayMs: 300_000,
});

/** Milliseconds until the next try; undefined if there is none. `attempts` are the tries so far. */
export function nextTryIn(
  exchange: PendingExchange,
  tried: Tried & { ok: false },
  attempts: number,
  chance: number,
): number | undefined {
  const policy = policyOf(exchange);
  if (!tried.mayPass || attempts >= policy.attempts) return undefined;
  return backoffOf(policy, attempts, chance, tried.waitMs);
}
