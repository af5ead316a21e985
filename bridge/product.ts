import type { ProductMessage } from "./message.ts";

/** A message that the product has handed out for a time. */
export interface Parcel {
  readonly lease: string;
  readonly attempts: number;
  /** Undefined if it cannot be read. */
  readonly message: ProductMessage | undefined;
}

export interface Settled {
  readonly acks: readonly string[];
  readonly retries: readonly { readonly lease: string; readonly delaySeconds: number }[];
}

export interface Backlog {
  readonly messages: number;
  readonly oldestSeconds: number | null;
}

/** Something of the product's from which messages for the bus are drawn. */
export interface Source {
  readonly name: string;
  /** Messages, or none after a while. Ends early when the signal says so. */
  pull(signal: AbortSignal): Promise<readonly Parcel[]>;
  settle(settled: Settled): Promise<void>;
  /** How much is left there; undefined if nobody tells. */
  backlog(): Backlog | undefined;
}

/** The product, as the bridge sees it. Each call throws if the product does not answer as it should. */
export interface Product {
  readonly sources: readonly Source[];
  /** Hands over messages of the bus; answers for each whether the product has taken it. */
  take(messages: readonly unknown[]): Promise<readonly boolean[]>;
  /** The document that a command refers to; undefined if it is gone. */
  documentOf(flowId: string, revision: number): Promise<Readonly<Record<string, unknown>> | undefined>;
}
