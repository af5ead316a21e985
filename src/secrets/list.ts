import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import type { SecretEntry } from "./model.ts";
import { findSecrets } from "./store.ts";

export interface SecretPage {
  readonly data: SecretEntry[];
  readonly meta: { readonly perPage: number };
  readonly links: { readonly next: string | null };
}

/** One page of the secrets that the actor owns, the oldest first. It costs about its own length. */
export async function listSecrets(ctx: Context, query: { size: number; after: string }): Promise<SecretPage> {
  const { size, after } = query;
  const found = await findSecrets(ctx.db, reachOf(ctx.actor), after, size + 1);
  const data = found.slice(0, size);
  const last = found.length > size ? data.at(-1) : undefined;
  const next = last && new URLSearchParams({ "page[size]": String(size), "page[after]": last.id });
  return { data, meta: { perPage: size }, links: { next: next ? `/secrets?${next.toString()}` : null } };
}
