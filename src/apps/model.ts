/** An app as the gateway knows it. */
export interface App {
  readonly id: string;
  readonly clientId: string;
  readonly name: string;
  /** Whether it may call at all. */
  readonly enabled: boolean;
  /** Further fields that interceptors read. */
  readonly fields: Readonly<Record<string, string>>;
  /** Plans that it has. */
  readonly plans: readonly string[];
  /** SHA-256 of its secrets in hex: the present one, and while it is being changed the one before. */
  readonly secretHashes: readonly string[];
  /** Tokens that were issued before are no good any more; milliseconds since 1970. */
  readonly tokensFrom: number;
}
