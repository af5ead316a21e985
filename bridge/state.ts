import type { Product } from "./product.ts";

interface Silence {
  readonly since: number;
  readonly error: string;
  /** Whether it may pass by itself; a token that is refused does not become a good one. */
  readonly mayPass: boolean;
}

/** What the bridge knows of itself, for its health endpoint. */
export class State {
  readonly began = Date.now();
  broker: { connected: boolean; blocked: boolean; since: number; failures: number; lastError: string | null } = {
    connected: false,
    blocked: false,
    since: Date.now(),
    failures: 0,
    lastError: null,
  };
  /** Parts of the product that do not answer: a source, or what takes reports. One that works does not hide another. */
  readonly #silent = new Map<string, Silence>();
  /** Nothing is known of a product before it has answered for the first time. */
  hasAnswered = false;
  /** The last command for which no queue was bound. */
  lastUnrouted: { readonly name: string; readonly at: number } | undefined;
  /** Messages that the bus has confirmed, that no queue was bound for, and that were left out since a later one was published. */
  published = 0;
  unrouted = 0;
  superseded = 0;
  /** Messages of the bus that the product has taken, and tries that it has not. */
  delivered = 0;
  deferred = 0;

  productAnswered(part: string): void {
    this.#silent.delete(part);
    this.hasAnswered = true;
  }

  /** Forgets what was said of a part, which begins anew. */
  forget(part: string): void {
    this.#silent.delete(part);
  }

  productFailed(part: string, error: string, now = Date.now(), mayPass = true): void {
    this.#silent.set(part, { since: this.#silent.get(part)?.since ?? now, error, mayPass });
  }

  /** The part that has been silent for longest. */
  get silence(): (Silence & { readonly part: string }) | undefined {
    const all = [...this.#silent].map(([part, one]) => ({ part, ...one }));
    return all.toSorted((one, other) => one.since - other.since)[0];
  }
}

const PATIENCE_MS = 30_000;
/** For how long a command that found no queue is told of; it is tried again within a minute. */
const UNROUTED_MS = 120_000;

/** Passes if messages can go both ways; a product that has just gone away is given some time. */
export function healthOf(state: State, product: Product, now = Date.now()) {
  const { broker, silence } = state;
  const reachable =
    state.hasAnswered && (silence === undefined || (silence.mayPass && now - silence.since < PATIENCE_MS));
  const isWell = broker.connected && !broker.blocked && reachable;
  const unrouted = state.lastUnrouted !== undefined && now - state.lastUnrouted.at < UNROUTED_MS;
  return {
    status: isWell ? (unrouted ? ("warn" as const) : ("pass" as const)) : ("fail" as const),
    ...(unrouted
      ? { warning: `No queue is bound for ${state.lastUnrouted!.name}: is the orchestrator connected?` }
      : {}),
    uptimeSeconds: Math.round((now - state.began) / 1000),
    broker: { ...broker, since: new Date(broker.since).toISOString() },
    product: {
      reachable: state.hasAnswered && silence === undefined,
      silentPart: silence?.part ?? null,
      silentSince: silence === undefined ? null : new Date(silence.since).toISOString(),
      lastError: silence?.error ?? null,
      backlog: Object.fromEntries(product.sources.map((source) => [source.name, source.backlog() ?? null])),
    },
    counts: countsOf(state),
  };
}

const countsOf = ({ published, unrouted, superseded, delivered, deferred }: State) => ({
  published,
  unrouted,
  superseded,
  delivered,
  deferred,
});
