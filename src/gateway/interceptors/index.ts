import type { InterceptorType } from "../../apis/interceptors.ts";
import type { Prepare } from "../call.ts";
import { internalCall, serviceCallout } from "./callouts.ts";
import { javascript } from "./javascript.ts";
import { cache, cacheClear, condition, mock } from "./mediation.ts";
import { clientId, clientIdSecret, cors, requestSize } from "./security.ts";
import { jsonThreat, xmlThreat } from "./threats.ts";
import { accessToken, jwt, oauth } from "./tokens.ts";
import { log, logObfuscation } from "./tracing.ts";
import { ipFilter, rateLimit, spikeArrest } from "./traffic.ts";
import { bodyTransform, destination, header, jsonXml, mask, query } from "./transformation.ts";

/** How each interceptor of the catalogue does its work. */
export const runners: { readonly [T in InterceptorType]: Prepare<T> } = {
  rateLimit,
  spikeArrest,
  ipFilter,
  clientId,
  clientIdSecret,
  accessToken,
  oauth,
  jwt,
  jsonThreat,
  xmlThreat,
  cors,
  requestSize,
  serviceCallout,
  internalCall,
  cache,
  cacheClear,
  mock,
  condition,
  header,
  query,
  destination,
  jsonXml,
  bodyTransform,
  mask,
  log,
  logObfuscation,
  javascript,
};
