import { isClientId } from "../../apps/secret.ts";
import type { Call, Prepare, World } from "../call.ts";
import { clientUnknown, identify, type Manner } from "../identify.ts";
import { refuse, type Stop } from "../refusal.ts";
import { answerTokenRequest } from "../tokens/endpoint.ts";
import { verifier } from "../tokens/foreign.ts";
import { type IssuedClaims, isStillOf, readToken } from "../tokens/issued.ts";
import { type Found, tokenFinder } from "../tokens/location.ts";

type As = Manner["as"];

const BEARER = "Bearer";

export const accessToken: Prepare<"accessToken"> = ({ location, name, scopes, responseType }) => {
  const find = tokenFinder(location, name);
  const demand = scopeDemand(scopes, responseType);
  return async (call, world) => {
    const read = await issuedToken(call, world, find(call), responseType);
    if ("answer" in read) return read;
    return (await admit(call, world, read.claims, responseType)) ?? demand(call, read.claims);
  };
};

export const oauth: Prepare<"oauth"> = (config) => {
  if (config.action === "issue") return (call, world) => answerTokenRequest(call, world, config);
  const { clientIdHeader, location, name, scopes, responseType } = config;
  const find = tokenFinder(location, name);
  const demand = scopeDemand(scopes, responseType);
  const foreign = `The header ${clientIdHeader} does not have the client id of the access token.`;
  return async (call, world) => {
    const read = await issuedToken(call, world, find(call), responseType);
    if ("answer" in read) return read;
    if (call.sent.get(clientIdHeader) !== read.claims.client_id) {
      return clientUnknown(call, { as: responseType, challenge: BEARER }, foreign);
    }
    return (await admit(call, world, read.claims, responseType)) ?? demand(call, read.claims);
  };
};

export const jwt: Prepare<"jwt"> = (config, placed) => {
  const { location, name, responseType, clientIdClaim } = config;
  const find = tokenFinder(location, name);
  const verify = verifier(config, placed);
  const manner = { as: responseType, challenge: BEARER };
  return async (call, world) => {
    const found = find(call);
    if ("fault" in found) return tokenRefused(call, responseType, found);
    const verified = await verify(found.token, call, world);
    if ("fault" in verified) return tokenRefused(call, responseType, verified);
    const { claims } = verified;
    if (clientIdClaim !== undefined) {
      const id = Object.hasOwn(claims, clientIdClaim) ? claims[clientIdClaim] : undefined;
      // Its issuer vouches for the id, so nobody guesses here.
      const app = typeof id === "string" && isClientId(id) ? await world.appOf(id) : undefined;
      const stop = identify(call, app, manner);
      if (stop !== undefined) return stop;
    }
    call.token = claims;
    return undefined;
  };
};

async function issuedToken(
  call: Call,
  world: World,
  found: Found,
  as: As,
): Promise<{ readonly claims: IssuedClaims } | Stop> {
  if ("fault" in found) return tokenRefused(call, as, found);
  const read = await readToken(world.config, found.token, call.api.home, world.now());
  return "fault" in read ? tokenRefused(call, as, read) : read;
}

/** Puts the call under the name of the token's app. */
async function admit(call: Call, world: World, claims: IssuedClaims, as: As): Promise<Stop | undefined> {
  const app = await world.appOf(claims.client_id);
  if (app !== undefined && !isStillOf(claims, app)) return tokenRefused(call, as, { fault: "It was revoked." });
  const stop = identify(call, app, { as, challenge: BEARER });
  if (stop === undefined) call.token = claims;
  return stop;
}

function tokenRefused(call: Call, as: As, { fault, isMissing = false }: { fault: string; isMissing?: boolean }): Stop {
  // RFC 6750, 3.1: who sent none is told of no error.
  const challenge = isMissing ? BEARER : `${BEARER} error="invalid_token"`;
  const headers = { "www-authenticate": challenge };
  return refuse("TOKEN_INVALID", { as, detail: fault, requestId: call.id, headers });
}

const scopeWord = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Makes what refuses a token without one of the scopes. */
function scopeDemand(scopes: readonly string[], as: As): (call: Call, claims: IssuedClaims) => Stop | undefined {
  const named = scopes.every((scope) => scopeWord.test(scope)) ? `, scope="${scopes.join(" ")}"` : "";
  const headers = { "www-authenticate": `${BEARER} error="insufficient_scope"${named}` };
  return (call, { scope }) => {
    if (scopes.length === 0) return undefined;
    const had = new Set(typeof scope === "string" ? scope.split(" ") : []);
    const missing = scopes.find((one) => !had.has(one));
    if (missing === undefined) return undefined;
    return refuse("SCOPE_MISSING", { as, detail: `It is ${missing}.`, requestId: call.id, headers });
  };
}
