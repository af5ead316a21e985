/**
 * Answers of destinations in the Cache API of the data centre. An entry is an opaque 200: what belongs to the answer
 * stands in a header of ours, so that nothing that the destination said of caching works on the entry itself.
 *
 * Age  An entry is as old as the question that it answers: one that was asked before the cache was cleared counts as
 *      too old, however late its answer came.
 */
import type { ConfigOf } from "../apis/interceptors.ts";
import { abandon } from "../connectors/body.ts";
import { sha256Of } from "../platform/ids.ts";
import { logError } from "../platform/log.ts";
import { Body, BodyFault, MOST_READ_BYTES } from "./body.ts";
import type { Call, World } from "./call.ts";
import { nameOf, partsOf } from "./query-parts.ts";
import type { Answer } from "./refusal.ts";

type Caching = ConfigOf<"cache">;

interface Kept {
  /** When the destination was asked, in milliseconds. */
  readonly at: number;
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  /** What the request said in headers on which the answer depends by its own word. */
  readonly vary: readonly (readonly [string, string | null])[];
}

const CACHE = "gateway";
const ABOUT = "x-gateway-answer";
/** Characters of all headers together; more than that is not kept. */
const MOST_HEADERS = 16_384;
/** Said of one call, or of how the entry was sent. */
const notKept = new Set(["age", "content-encoding", "content-length", "x-cache", "x-request-id"]);

/** Answers that came from no destination: they are not kept. */
const madeUp = new WeakSet<Answer>();
export function madeHere(answer: Answer): Answer {
  madeUp.add(answer);
  return answer;
}
export const isMadeHere = (answer: Answer): boolean => madeUp.has(answer);

/** Whether a call may be answered from a cache at all. */
export const isCacheable = ({ method, headers, answer }: Call): boolean =>
  (method === "GET" || method === "HEAD") && answer === undefined && !headers.has("upgrade");

/** Headers that tell nothing of who calls. */
const plain =
  /^(?:accept(?:-encoding|-language)?|cache-control|cdn-loop|cf-.*|connection|content-length|dnt|host|if-.*|origin|pragma|priority|range|referer|save-data|sec-.*|te|trace(?:parent|state)|upgrade-insecure-requests|user-agent|via|x-forwarded-.*|x-real-ip|x-request-id)$/;
const ofNobody = (header: string): boolean => plain.test(header);

/** Address under which the answer to a call is kept. */
export async function keyOf(call: Call, { name, shared, headers, query }: Caching): Promise<string> {
  const { api, path, sent, app, token, redirect } = call;
  const wanted = query && new Set(query);
  const said = [
    path,
    wanted === undefined ? call.query : partsOf(call.query).filter((part) => wanted.has(nameOf(part))),
    headers.map((header) => [header, call.headers.get(header)]),
    redirect ?? null,
    shared
      ? null
      : [
          app?.id ?? null,
          call.headers.get("authorization"),
          token ?? null,
          // Who calls may be told by any header, also to an interceptor behind this one or to the destination.
          [...sent].filter(([header]) => !ofNobody(header)),
        ],
  ];
  return `https://gateway.invalid/${api.id}/${api.revision}/${name}/${await sha256Of(JSON.stringify(said))}`;
}

/** The answer to a call if one is kept that is good still. */
export async function findAnswer(
  key: string,
  call: Call,
  { ttl, name }: Caching,
  world: World,
): Promise<Answer | undefined> {
  const entry = await entryOf(key, world);
  if (entry === undefined) return undefined;
  const { response, kept } = entry;
  const age = world.now() - kept.at;
  const isGood =
    age < ttl * 1000 &&
    kept.at > world.clearedAt(call.api.id, name) &&
    kept.vary.every(([header, value]) => call.headers.get(header) === value);
  if (!isGood) {
    abandon(response.body);
    return undefined;
  }
  const headers = new Headers(kept.headers.map(([header, value]): [string, string] => [header, value]));
  headers.set("age", String(Math.max(0, Math.floor(age / 1000))));
  headers.set("x-cache", "hit");
  return madeHere({ status: kept.status, headers, body: new Body("answer", response.body) });
}

/** A cache that does not answer is as good as an empty one. */
async function entryOf(key: string, { config }: World): Promise<{ response: Response; kept: Kept } | undefined> {
  try {
    const response = await (await caches.open(CACHE)).match(key);
    const about = response?.headers.get(ABOUT) ?? null;
    if (response === undefined || about === null) return undefined;
    return { response, kept: JSON.parse(about) as Kept };
  } catch (error) {
    logError(config, "cache.find", error);
    return undefined;
  }
}

/** Keeps the answer of a destination, beside its way to the client. Nothing is kept that may be one caller's alone. */
export function keepAnswer(
  key: string,
  answer: Answer,
  { statuses, ttl }: Caching,
  asked: { readonly at: number; readonly headers: Headers },
  world: World,
): void {
  if (!statuses.includes(answer.status) || !mayBeKept(answer)) return;
  const kept: Kept = {
    at: asked.at,
    status: answer.status,
    headers: [...answer.headers].filter(([name]) => !notKept.has(name)),
    vary: varyOf(answer.headers).map((name) => [name, asked.headers.get(name)]),
  };
  const about = asciiOf(JSON.stringify(kept));
  if (about.length > MOST_HEADERS) return;
  world.defer(put(key, answer.body.copy(), { [ABOUT]: about, "cache-control": `max-age=${ttl}` }, world));
}

function mayBeKept(answer: Answer): boolean {
  const { status, headers } = answer;
  return (
    // Part of an answer, or none: good only for who asked for that.
    status !== 206 &&
    status !== 304 &&
    !headers.has("set-cookie") &&
    !/(?:^|[\s,])(?:private|no-store)(?:$|[\s,=])/i.test(headers.get("cache-control") ?? "") &&
    !varyOf(headers).includes("*") &&
    !/^\s*text\/event-stream/i.test(headers.get("content-type") ?? "") &&
    !(Number(headers.get("content-length") ?? 0) > MOST_READ_BYTES)
  );
}

/** The entry is kept without an encoding, so it does not depend on which ones were taken. */
const varyOf = (headers: Headers): string[] =>
  (headers.get("vary") ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "" && name !== "accept-encoding");

/** A header carries no other signs. */
const asciiOf = (json: string): string =>
  json.replaceAll(/[^ -~]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);

async function put(key: string, body: Body, headers: Record<string, string>, { config }: World): Promise<void> {
  try {
    const bytes = await body.bytes();
    await (await caches.open(CACHE)).put(key, new Response(bytes, { headers }));
  } catch (error) {
    // One that is too large, or breaks off, is told to its client alone.
    if (!(error instanceof BodyFault)) logError(config, "cache.put", error);
  }
}
