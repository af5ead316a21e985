import type { App } from "../../apps/model.ts";
import { isSecretOf } from "../../apps/secret.ts";
import { Body } from "../body.ts";
import type { Call, World } from "../call.ts";
import { appSought, planFor } from "../identify.ts";
import type { Answer, Stop } from "../refusal.ts";
import { BASIC_CHALLENGE, basicIn, type Credentials } from "./basic.ts";
import { issueToken } from "./issued.ts";
import { HELD_SECONDS } from "../../platform/patience.ts";

/** Bytes of a token request. */
const MOST_BYTES = 16_384;
const fields = ["grant_type", "scope", "client_id", "client_secret"];

export interface Offer {
  readonly grantTypes: readonly string[];
  readonly scopes: readonly string[];
  /** Seconds. */
  readonly expires: number;
}

/** What RFC 6749, 5.2, says of a request that gets no token. */
interface Denial {
  readonly error: string;
  readonly description: string;
  readonly status?: 400 | 401 | 429;
}

/** Answers a token request of an app in place of the destination (RFC 6749, 4.4). */
export async function answerTokenRequest(call: Call, world: World, offer: Offer): Promise<Stop | undefined> {
  const form = await formOf(call);
  if ("error" in form) return denied(form);
  const grant = form.get("grant_type") ?? "";
  if (grant === "") return denied(invalid("grant_type is missing."));
  if (!offer.grantTypes.includes(grant)) {
    const description = `grant_type has to be ${offer.grantTypes.join(" or ")}.`;
    return denied({ error: "unsupported_grant_type", description });
  }
  const app = await clientOf(call, world, form);
  if ("error" in app) return denied(app);
  const scopes = scopesOf(form.get("scope") ?? "", offer);
  if (scopes === undefined) {
    return denied({ error: "invalid_scope", description: "scope names one that is not offered here." });
  }
  const { expires } = offer;
  const about = { app, home: call.api.home, scopes, expires, now: world.now() };
  const token = await issueToken(world.config, about);
  call.answer = answerOf(200, { access_token: token, token_type: "Bearer", expires_in: expires, ...told(scopes) });
  return undefined;
}

const told = (scopes: readonly string[]) => (scopes.length === 0 ? {} : { scope: scopes.join(" ") });

async function formOf(call: Call): Promise<URLSearchParams | Denial> {
  if (call.method !== "POST") return invalid("Use POST with a form.");
  const type = call.sent.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/x-www-form-urlencoded") {
    return invalid("Send a form: application/x-www-form-urlencoded.");
  }
  const bytes = await call.body.bytes();
  if (bytes.byteLength > MOST_BYTES) return invalid(`The form has more than ${MOST_BYTES} bytes.`);
  const form = new URLSearchParams(new TextDecoder().decode(bytes));
  const twice = fields.find((field) => form.getAll(field).length > 1);
  return twice === undefined ? form : invalid(`${twice} is sent more than once.`);
}

async function clientOf(call: Call, world: World, form: URLSearchParams): Promise<App | Denial> {
  const header = call.sent.get("authorization");
  const isInForm = form.has("client_id") || form.has("client_secret");
  if (header !== null && isInForm) return invalid("Send the client in the header authorization or in the form.");
  const client = header === null ? clientIn(form) : basicIn(header);
  if (client === undefined) return unknownClient;
  const app = await appSought(call, world, client.id);
  if (app === "guessing") {
    const description = "Too many clients were not known. Try again later.";
    return { error: "temporarily_unavailable", description, status: 429 };
  }
  if (app === undefined || !(await isSecretOf(app, client.secret)) || !app.enabled) return unknownClient;
  if (planFor(call.api, app) !== undefined) return app;
  return { error: "unauthorized_client", description: "The client has no plan of this API." };
}

function clientIn(form: URLSearchParams): Credentials | undefined {
  const [id, secret] = [form.get("client_id"), form.get("client_secret")];
  return id === null || secret === null ? undefined : { id, secret };
}

/** All that are offered if none is asked for; undefined if one is asked for that is not. */
function scopesOf(asked: string, { scopes }: Offer): readonly string[] | undefined {
  const words = new Set(asked.split(" ").filter((word) => word !== ""));
  if (words.size === 0) return scopes;
  return [...words].every((word) => scopes.includes(word)) ? [...words] : undefined;
}

const unknownClient: Denial = {
  error: "invalid_client",
  description: "The client is not known, or its secret is another one.",
  status: 401,
};

const invalid = (description: string): Denial => ({ error: "invalid_request", description });

function denied({ error, description, status = 400 }: Denial): Stop {
  const answer = answerOf(status, { error, error_description: description });
  if (status === 401) answer.headers.set("www-authenticate", BASIC_CHALLENGE);
  if (status === 429) answer.headers.set("retry-after", String(HELD_SECONDS));
  return { code: error, answer };
}

const answerOf = (status: number, body: object): Answer => ({
  status,
  headers: new Headers({ "content-type": "application/json", "cache-control": "no-store", pragma: "no-cache" }),
  body: Body.of("answer", JSON.stringify(body)),
});
