import { abandon } from "../connectors/body.ts";
import { Deadline } from "../connectors/deadline.ts";
import { refusalOfAddress, refusalOfForm } from "../connectors/address.ts";
import { ConnectorError } from "../connectors/fault.ts";
import { Body } from "./body.ts";
import type { Call, World } from "./call.ts";
import type { Target, Way } from "./compile.ts";
import { answerHeaders, isUpgrade } from "./headers.ts";
import { type Answer, refuse, type Stop } from "./refusal.ts";

/**
 * What the edge caches by address alone would be told to other callers. This is what `cache: "no-store"` means, without the
 * headers that it adds for the destination.
 */
const PAST_CACHES = { cacheTtl: -1, cacheLevel: "bypass" } as const;

/** What a destination is asked with. */
export interface Asking {
  readonly call: Call;
  readonly world: World;
  readonly way: Way;
  /** What the path gave, in the order of the resource's parameters. */
  readonly values: readonly string[];
  /** Whether an interceptor reads the answer, which then has to come in full within the time. */
  readonly readsAnswer: boolean;
}

/** Asks the destination and puts its answer into the call. */
export async function askDestination(asking: Asking): Promise<Stop | undefined> {
  const { call, world, way } = asking;
  const address = addressOf(asking);
  if (typeof address !== "string") return address;
  const fetcher = fetcherOf(world, call, way.target);
  if (fetcher === undefined) return refuse("DESTINATION_REFUSED");
  const told = call.trace?.destination(address);
  try {
    call.answer = await ask(asking, address, fetcher);
    // Whoever ends the call from within the body may come too late for the question, but not for its answer.
    if (call.ended !== undefined) {
      call.answer.body.abandon();
      told?.({ code: call.ended.code });
      return call.ended;
    }
    told?.({ status: call.answer.status });
    return undefined;
  } catch (error) {
    call.body.abandon();
    const stop = call.ended ?? refusalOf(error, way.timeoutMs);
    told?.({ code: stop.code });
    return stop;
  }
}

function refusalOf(error: unknown, timeoutMs: number): Stop {
  if (error instanceof ConnectorError && error.code === "TIMEOUT") {
    return refuse("DESTINATION_TIMEOUT", { detail: `It was waited for ${timeoutMs} ms.` });
  }
  return refuse("DESTINATION_UNREACHABLE");
}

function addressOf({ call, world, way, values }: Asking): string | Stop {
  const { target } = way;
  const { redirect, query } = call;
  if (redirect?.replaces === "address") return judged(withQuery(redirect.url, query), world);
  if (target === undefined && redirect === undefined) return refuse("DESTINATION_MISSING");
  if (target?.refusal !== undefined && redirect === undefined) return refuse("DESTINATION_REFUSED");
  const address = target?.addressOf({ rest: call.path, values, query }) ?? `http://none${call.path}${query}`;
  if (redirect === undefined) return address;
  const origin = URL.parse(redirect.url)?.origin;
  return origin === undefined || origin === "null"
    ? refuse("DESTINATION_REFUSED")
    : judged(
        address.replace(/^[^/]+\/\/[^/?#]+/, () => origin),
        world,
      );
}

const withQuery = (url: string, query: string): string =>
  query === "" ? url : `${url}${url.includes("?") ? `&${query.slice(1)}` : query}`;

/** An address that was made for this call. */
function judged(address: string, { config }: World): string | Stop {
  const url = URL.parse(address);
  if (url === null) return refuse("DESTINATION_REFUSED");
  const refusal = config.HTTP_ALLOW_PRIVATE === "true" ? refusalOfForm(url) : refusalOfAddress(url);
  return refusal === undefined ? address : refuse("DESTINATION_REFUSED");
}

/** A certificate is shown to the address beside which it stands, and to no other. */
function fetcherOf(world: World, call: Call, target: Target | undefined): typeof fetch | undefined {
  if (target?.certificate === undefined || call.redirect !== undefined || world.isDry) {
    return world.fetchFor("destination");
  }
  const binding = (world.env as unknown as Record<string, Fetcher | undefined>)[target.certificate];
  return binding && ((input, init) => binding.fetch(input, init));
}

/**
 * An answer that nobody reads is bounded until it begins; one that is read, until it is there in full. What is late is
 * not aborted by a signal, which costs every call: it ends with the call.
 */
async function ask({ call, way, readsAnswer }: Asking, address: string, by: typeof fetch): Promise<Answer> {
  const deadline = new Deadline(way.timeoutMs, "The destination");
  let late = false;
  const asked = async () => {
    const body = call.method === "GET" || call.method === "HEAD" ? null : call.body.content;
    const answer = await by(address, {
      method: call.method,
      headers: call.headers,
      ...(body === null ? {} : { body }),
      redirect: "manual",
      cf: PAST_CACHES,
    });
    if (late) abandon(answer.body);
    return answer;
  };
  try {
    const received = await deadline.race(asked());
    const { status, webSocket } = received;
    const headers = answerHeaders(received.headers, "passed", call.method);
    if (status === 101 && webSocket !== null && isUpgrade({ method: call.method, headers: call.sent })) {
      deadline.clear();
      return { status, headers, body: new Body("answer", null), webSocket };
    }
    const race = <T>(work: Promise<T>): Promise<T> => deadline.race(work);
    const body = new Body("answer", received.body, received.headers, race);
    if (readsAnswer) call.onEnd.push(() => deadline.clear());
    else deadline.clear();
    return { status, headers, body };
  } catch (error) {
    late = true;
    deadline.clear();
    throw error;
  }
}
