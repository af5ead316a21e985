import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import type { AppSummary } from "./model.ts";
import type { PlanSummary } from "./plan-model.ts";
import { findPlans } from "./plan-store.ts";
import { findApps } from "./store.ts";

export interface PageQuery {
  readonly size: number;
  readonly after: string;
}

export interface Page<T> {
  readonly data: T[];
  readonly meta: { readonly perPage: number };
  readonly links: { readonly next: string | null };
}

/** One page of the apps that the actor owns, the oldest first. It costs about its own length. */
export async function listApps(ctx: Context, query: PageQuery): Promise<Page<AppSummary>> {
  return pageOf("/apps", query, await findApps(ctx.db, reachOf(ctx.actor), query.after, query.size + 1));
}

/** One page of the plans that the actor owns, the oldest first. */
export async function listPlans(ctx: Context, query: PageQuery): Promise<Page<PlanSummary>> {
  return pageOf("/plans", query, await findPlans(ctx.db, reachOf(ctx.actor), query.after, query.size + 1));
}

/** One entry more than the page holds tells that there is another page. */
function pageOf<T extends { readonly id: string }>(path: string, { size }: PageQuery, found: readonly T[]): Page<T> {
  const data = found.slice(0, size);
  const last = found.length > size ? data.at(-1) : undefined;
  const next = last && new URLSearchParams({ "page[size]": String(size), "page[after]": last.id });
  return { data, meta: { perPage: size }, links: { next: next ? `${path}?${next.toString()}` : null } };
}
