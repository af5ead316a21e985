import type { z } from "zod";

import { internalCall, serviceCallout } from "./interceptors/callouts.ts";
import { javascript } from "./interceptors/custom.ts";
import type { Interceptor } from "./interceptors/interceptor.ts";
import { cache, cacheClear, condition, mock } from "./interceptors/mediation.ts";
import { clientId, clientIdSecret, cors, requestSize } from "./interceptors/security.ts";
import { jsonThreat, xmlThreat } from "./interceptors/threats.ts";
import { accessToken, jwt, oauth } from "./interceptors/tokens.ts";
import { log, logObfuscation } from "./interceptors/tracing.ts";
import { ipFilter, rateLimit, spikeArrest } from "./interceptors/traffic.ts";
import { bodyTransform, destination, header, jsonXml, mask, query } from "./interceptors/transformation.ts";

export type { Category, Interceptor, Place, Stage } from "./interceptors/interceptor.ts";

/** Every interceptor there is: where it may stand, and what it is told. */
export const interceptors = {
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
} as const;

export type InterceptorType = keyof typeof interceptors;
export type ConfigOf<T extends InterceptorType> = z.output<(typeof interceptors)[T]["config"]>;

export const interceptorTypes = Object.keys(interceptors) as [InterceptorType, ...InterceptorType[]];

const isType = (type: string): type is InterceptorType => Object.hasOwn(interceptors, type);

/** What the catalogue says of a type; undefined if it has none of that name. */
export const interceptorOf = (type: string): Interceptor | undefined => (isType(type) ? interceptors[type] : undefined);

/** A config with all that it leaves unsaid. Throws if it is none of the type: documents are checked when they are saved. */
export const configOf = <T extends InterceptorType>(type: T, config: unknown): ConfigOf<T> =>
  interceptors[type].config.parse(config) as ConfigOf<T>;
