import { databaseOf } from "../db/client.ts";
import { documentOf, type FlowRow } from "../flows/store.ts";
import { can, type Actor } from "../identity/actor.ts";
import { identify, tokenOf } from "../identity/identify.ts";
import { AppError } from "../platform/errors.ts";
import { isHexId } from "../platform/ids.ts";
import { openSecret } from "../secrets/open.ts";
import type { HookBy, HookRequest } from "./hook.ts";

/** What a flow demands of those who call its hook: `flowSettings.webhooks`, as the original's webhooks service reads it. */
interface Demands {
  readonly requireWebhookAuth?: unknown;
  /** The secret itself, or the id of one. */
  readonly hmacAuthSecret?: unknown;
  readonly hmacHeaderKey?: unknown;
  readonly hmacAlgorithm?: unknown;
  readonly allTenantUsers?: unknown;
}

/** Who calls a hook: one who is known by a token, one who knows the hook's secret, or anyone. */
export type HookCaller = { readonly sub: string } | "signer" | "anyone";

/** Refuses a sender who may not call the hook. It holds for GET as for POST. What is demanded in a form that makes no sense is met by nobody. */
export async function hookRightOf(by: HookBy, row: FlowRow, request: HookRequest): Promise<HookCaller> {
  const { flowSettings } = documentOf(row) as { flowSettings?: { webhooks?: Demands | null } | null };
  const demands = flowSettings?.webhooks ?? {};
  if (isDemanded(demands.hmacAuthSecret)) {
    const secret = await secretOf(by, row, demands.hmacAuthSecret);
    if (!(await isSigned(request, secret, demands))) throw new AppError("HOOK_UNAUTHORIZED");
    return "signer";
  }
  if (!isDemanded(demands.requireWebhookAuth)) return "anyone";
  const actor = await actorOf(by, request.headers);
  if (actor === undefined || !can(actor, "webhooks.execute") || !mayCall(actor, row, demands)) {
    throw new AppError("HOOK_UNAUTHORIZED");
  }
  return { sub: actor.sub };
}

const isDemanded = (value: unknown): boolean => value !== undefined && value !== null && value !== false;

function mayCall(actor: Actor, row: FlowRow, { allTenantUsers }: Demands): boolean {
  const { owners } = documentOf(row);
  const isOwner = owners.some(({ id }) => id === actor.sub || (id === actor.tenant && allTenantUsers !== false));
  return actor.isAdmin || isOwner;
}

async function actorOf({ config, now, defer }: HookBy, headers: Headers): Promise<Actor | undefined> {
  try {
    return await identify({ config, now, defer }, tokenOf(headers.get("authorization") ?? undefined));
  } catch (error) {
    if (error instanceof AppError && error.code !== "IDENTITY_UNAVAILABLE") return undefined;
    throw error;
  }
}

/** An id means a secret of the starter's; a secret that cannot be had closes the hook. */
async function secretOf({ env, config, now }: HookBy, row: FlowRow, named: unknown): Promise<string> {
  if (typeof named !== "string" || named === "") throw new AppError("HOOK_UNAUTHORIZED");
  if (!isHexId(named)) return named;
  if (row.startedBy === null) throw new AppError("HOOK_UNAUTHORIZED");
  const whose = { sub: row.startedBy, tenant: row.startedIn };
  const { value } = await openSecret({ db: databaseOf(env.DB), config, now }, named, whose).catch(() => {
    throw new AppError("HOOK_UNAUTHORIZED");
  });
  const { payload } = value;
  const held: Record<string, unknown> = { ...(typeof payload === "object" ? payload : {}), ...value };
  const texts = ["key", "passphrase", "secret"].map((name) => held[name]);
  const text = texts.find((one) => typeof one === "string" && one !== "");
  if (typeof text !== "string") throw new AppError("HOOK_UNAUTHORIZED");
  return text;
}

const algorithms: Record<string, string> = { sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512", sha1: "SHA-1" };

/** The HMAC of the body, for a GET of the query string, in hex or base64, with or without the algorithm before it. */
async function isSigned({ headers, body, url }: HookRequest, secret: string, demands: Demands): Promise<boolean> {
  const header =
    typeof demands.hmacHeaderKey === "string" && demands.hmacHeaderKey !== "" ? demands.hmacHeaderKey : "x-hmac";
  const named =
    typeof demands.hmacAlgorithm === "string" ? demands.hmacAlgorithm.toLowerCase().replace("-", "") : "sha256";
  const hash = algorithms[named];
  const sent = /^[\w-]{1,100}$/.test(header) ? headers.get(header) : null;
  if (hash === undefined || sent === null) return false;
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash }, false, ["sign"]);
  const made = new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(body?.text ?? url.search.slice(1))));
  const given = bytesOf(sent.trim().replace(/^sha\d+=/i, ""));
  return given?.byteLength === made.byteLength && crypto.subtle.timingSafeEqual(given, made);
}

function bytesOf(text: string): Uint8Array | undefined {
  if (/^(?:[0-9a-f]{2})+$/i.test(text)) return Uint8Array.from(text.match(/../g)!, (pair) => Number.parseInt(pair, 16));
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
