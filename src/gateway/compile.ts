import { compileRanges, type Ranges } from "../apis/client-ip.ts";
import { withVariables } from "../apis/environment.ts";
import { interceptorOf, type InterceptorType, interceptors, type Stage } from "../apis/interceptors.ts";
import { compileRoutes, type Match, receivedBy } from "../apis/match.ts";
import type { Api, EntryDraft, Level, Plan, Resource } from "../apis/model.ts";
import { type Called, compileDestination } from "../apis/path-params.ts";
import { DEFAULT_TIMEOUT_MS, timeoutOf } from "../apis/timeout.ts";
import { upwards } from "../apis/scopes.ts";
import { refusalOfAddress, refusalOfForm } from "../connectors/address.ts";
import { shortHashOf } from "../platform/ids.ts";
import type { ApiFacts, Prepare, Run } from "./call.ts";
import type { Step } from "./chain.ts";
import { effective } from "./inheritance.ts";
import { runners } from "./interceptors/index.ts";
import { InterceptorFault } from "./refusal.ts";
import { hidingOf } from "./trace/hiding.ts";

/** Where an operation's calls go. */
export interface Target {
  readonly addressOf: (called: Called) => string;
  /** Name of a binding that shows a certificate. */
  readonly certificate?: string;
  /** Why it is not called, for traces. */
  readonly refusal?: string;
}

export interface Steps {
  readonly request: readonly Step[];
  /** In the order in which they run: from right to left. */
  readonly response: readonly Step[];
}

/** All that calls of one operation need. */
export interface Way extends Steps {
  readonly target: Target | undefined;
  readonly timeoutMs: number;
}

/** A revision of an API as the gateway runs it: made once, kept by the isolate, never changed. */
export class LiveApi {
  readonly facts: ApiFacts;
  readonly basePath: string;
  readonly hostnames: readonly string[];
  readonly proxies: Ranges;
  readonly sampling: number;
  readonly resources: readonly Resource[];
  readonly match: (method: string, path: string) => Match<Resource> | undefined;
  readonly #api: Api;
  readonly #allowPrivate: boolean;
  readonly #ways = new Map<string, Way>();
  readonly #plans = new Map<string, { readonly plan: Plan; readonly steps: Steps }>();

  constructor(api: Api, about: Omit<ApiFacts, "plans" | "environment" | "variables">, allowPrivate: boolean) {
    const variables = api.environment === undefined ? {} : (api.environments[api.environment]?.variables ?? {});
    this.facts = { ...about, plans: api.plans, environment: api.environment, variables };
    this.basePath = api.basePath;
    this.hostnames = api.hostnames ?? [];
    this.proxies = compileRanges(api.settings.trustedProxies);
    this.sampling = api.settings.traceSampling;
    this.resources = api.resources;
    this.match = compileRoutes(api.resources);
    this.#api = api;
    this.#allowPrivate = allowPrivate;
  }

  /** What runs for an operation; made when it is first called. */
  wayOf({ id: resource, path }: Resource, operation: string): Way {
    const key = `${resource}/${operation}`;
    const known = this.#ways.get(key);
    if (known !== undefined) return known;
    const { request, response, destination } = effective(this.#api.flows, resource, operation);
    const levels = upwards(this.#api.flows, resource, operation);
    const timeout = timeoutOf(
      levels.map((flow) => ({ scope: key, timeout: flow.destination?.timeout })),
      this.facts.variables,
    );
    const way = {
      request: request.map((entry) => this.#stepOf(entry, "request", entry.level)),
      response: response.map((entry) => this.#stepOf(entry, "response", entry.level)).toReversed(),
      target: destination && this.#targetOf(destination, path),
      timeoutMs: "ms" in timeout ? timeout.ms : DEFAULT_TIMEOUT_MS,
    };
    this.#ways.set(key, way);
    return way;
  }

  /** The chain of a plan with the variables of this API. */
  stepsOf(id: string, plan: Plan): Steps {
    const known = this.#plans.get(id);
    if (known?.plan === plan) return known.steps;
    const running = (stage: Stage) =>
      plan[stage].filter(({ enabled }) => enabled).map((entry) => this.#stepOf(entry, stage, "plan", id));
    const steps = { request: running("request"), response: running("response").toReversed() };
    this.#plans.set(id, { plan, steps });
    return steps;
  }

  #targetOf({ level, url, certificate }: { level: Level; url: string; certificate?: string }, path: string): Target {
    const address = withVariables(url, this.facts.variables);
    const given = level === "api" ? { kind: "path" as const } : { kind: "values" as const, ...receivedBy(path) };
    try {
      const refusal = (this.#allowPrivate ? refusalOfForm : refusalOfAddress)(new URL(hostOf(address)));
      return {
        addressOf: compileDestination(address, given),
        ...(certificate === undefined ? {} : { certificate }),
        ...(refusal === undefined ? {} : { refusal }),
      };
    } catch {
      return { addressOf: () => address, refusal: "The address of the destination is none." };
    }
  }

  #stepOf(entry: Omit<EntryDraft, "enabled">, stage: Stage, level: Level | "plan", plan?: string): Step {
    const type = entry.type as InterceptorType;
    const config = filled(entry.config, this.facts.variables);
    const about = interceptorOf(type);
    const parsed = Object.hasOwn(interceptors, type) ? interceptors[type].config.safeParse(config) : noConfig;
    const hides = hidingOf(type, parsed.data);
    return {
      id: entry.id,
      type,
      stage,
      level,
      abortOnFail: entry.abortOnFail ?? true,
      when: entry.when,
      always: stage === "response" && (about?.category === "tracing" || type === "cors"),
      readsAnswer: parsed.success && about?.needsBody?.(parsed.data, stage) === "response",
      ...(hides === undefined ? {} : { hides }),
      run: this.#runOf(type, parsed, {
        id: entry.id,
        stage,
        level,
        key: `${plan ?? this.facts.id}/${entry.id}/${shortHashOf(JSON.stringify(config)).toString(36)}`,
        api: this.facts,
        allowPrivate: this.#allowPrivate,
      }),
    };
  }

  /** An interceptor that cannot be made ready fails when it is its turn, and not the API as a whole. */
  #runOf(
    type: InterceptorType,
    parsed: { success: boolean; data?: unknown },
    placed: Parameters<Prepare<InterceptorType>>[1],
  ): Run {
    if (!parsed.success) return fails("Its settings cannot be read.");
    try {
      return (runners[type] as (config: unknown, placed: unknown) => Run)(parsed.data, placed);
    } catch (cause) {
      return fails(cause instanceof InterceptorFault ? cause.message : "It cannot be made ready.");
    }
  }
}

const noConfig = { success: false, data: undefined } as const;

const fails =
  (message: string): Run =>
  () => {
    throw new InterceptorFault(message);
  };

const hostOf = (address: string): string => /^[^/]+\/\/[^/?#]+/.exec(address)?.[0] ?? address;

/** Settings with the variables of the environment in their texts. */
function filled(config: unknown, variables: ApiFacts["variables"]): unknown {
  if (typeof config === "string") return config.includes("{{") ? withVariables(config, variables) : config;
  if (Array.isArray(config)) return config.map((item) => filled(item, variables));
  if (typeof config !== "object" || config === null) return config;
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, filled(value, variables)]));
}
