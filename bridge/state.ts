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
  /** Since when the product has not answered; null if it answers. */
  productSilentSince: number | null = null;
  productError: string | null = null;
  /** Messages that the bus has confirmed, that no queue was bound for, and that were left out since a later one was published. */
  published = 0;
  unrouted = 0;
  superseded = 0;
  /** Messages of the bus that the product has taken, and tries that it has not. */
  delivered = 0;
  deferred = 0;

  productAnswered(): void {
    this.productSilentSince = null;
    this.productError = null;
  }

  productFailed(words: string): void {
    this.productSilentSince ??= Date.now();
    this.productError = words;
  }
}

const PATIENCE_MS = 30_000;

/** Passes if messages can go both ways; a product that has just gone away is given some time. */
export function healthOf(state: State, product: Product, now = Date.now()) {
  const { broker, productSilentSince: silent } = state;
  const reachable = silent === null || now - silent < PATIENCE_MS;
  return {
    status: broker.connected && !broker.blocked && reachable ? ("pass" as const) : ("fail" as const),
    uptimeSeconds: Math.round((now - state.began) / 1000),
    broker: { ...broker, since: new Date(broker.since).toISOString() },
    product: {
      reachable: silent === null,
      silentSince: silent === null ? null : new Date(silent).toISOString(),
      lastError: state.productError,
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
