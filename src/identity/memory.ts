const MOST = 5000;
const encoder = new TextEncoder();

/** What is known about tokens, for a time. Tokens themselves are not kept, only their hashes. */
export class Memory<T> {
  readonly #known = new Map<string, { readonly what: T; readonly until: number }>();

  get(key: string, now: number): T | undefined {
    const found = this.#known.get(key);
    return found !== undefined && found.until > now ? found.what : undefined;
  }

  set(key: string, what: T, until: number): void {
    if (this.#known.size >= MOST) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(key, { what, until });
  }
}

/** The name under which a token is remembered: a hash of it together with who vouches for it, not meant to be read. */
export async function keyOfToken(voucher: readonly (string | undefined)[], token: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", encoder.encode([...voucher, token].join("\n")));
  return String.fromCharCode(...new Uint16Array(digest));
}
