import type { Product } from "./product.ts";

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
  readonly #silent = new Map<string, { readonly since: number; readonly error: string }>();
  /** Messages that the bus has confirmed, that no queue was bound for, and that were left out since a later one was published. */
  published = 0;
  unrouted = 0;
  superseded = 0;
  /** Messages of the bus that the product has taken, and tries that it has not. */
  delivered = 0;
  deferred = 0;

  productAnswered(part: string): void {
    this.#silent.delete(part);
  }

  productFailed(part: string, error: string, now = Date.now()): void {
    this.#silent.set(part, { since: this.#silent.get(part)?.since ?? now, error });
  }

  /** The part that has been silent for longest. */
  get silence(): { readonly part: string; readonly since: number; readonly error: string } | undefined {
    const all = [...this.#silent].map(([part, one]) => ({ part, ...one }));
    return all.toSorted((one, other) => one.since - other.since)[0];
  }
}

const PATIENCE_MS = 30_000;

/** Passes if messages can go both ways; a product that has just gone away is given some time. */
export function healthOf(state: State, product: Product, now = Date.now()) {
  const { broker, silence } = state;
  const reachable = silence === undefined || now - silence.since < PATIENCE_MS;
  return {
    status: broker.connected && !broker.blocked && reachable ? ("pass" as const) : ("fail" as const),
    uptimeSeconds: Math.round((now - state.began) / 1000),
    broker: { ...broker, since: new Date(broker.since).toISOString() },
    product: {
      reachable: silence === undefined,
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
