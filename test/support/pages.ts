import { expect } from "vitest";

import type { Answer, Caller } from "./api.ts";
import { queryOf } from "./rows.ts";

export const sorts = ["createdAt", "-createdAt", "updatedAt", "-updatedAt", "name", "-name"] as const;
export type Sort = (typeof sorts)[number];

export const list = (caller: Caller, query: string): Promise<Answer> => caller.call("getFlows", { query });

/** Asks for a page of flows, which must be answered. */
export async function pageOf(caller: Caller, parameters: Parameters<typeof queryOf>[0] | string): Promise<Answer> {
  const query = typeof parameters === "string" ? parameters : queryOf(parameters);
  const answer = await list(caller, query);
  expect(answer.status).toBe(200);
  return answer;
}

export const idsOf = (answer: Answer): string[] => (answer.body.data as { id: string }[]).map((flow) => flow.id);

/** Where a link leads, as a query. */
export function queryIn(link: unknown): string {
  expect(link).toMatch(/^\/flows\?/);
  return String(link).slice("/flows?".length);
}

export const follow = (caller: Caller, { body }: Answer, link: "next" | "prev"): Promise<Answer> =>
  pageOf(caller, queryIn(body.links[link]));

/** Goes from a page to the last one, or back to the first, and answers each with the one it began with. */
export async function walk(caller: Caller, from: Answer, link: "next" | "prev", most = 500): Promise<Answer[]> {
  const pages = [from];
  while (pages.at(-1)!.body.links[link] !== null) {
    pages.push(await follow(caller, pages.at(-1)!, link));
    expect(pages.length).toBeLessThanOrEqual(most);
  }
  return pages;
}

export const cursorIn = (link: unknown, name = "page[after]"): string =>
  new URLSearchParams(queryIn(link)).get(name) ?? "";
