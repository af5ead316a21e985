import { readFileSync } from "node:fs";

import type { z } from "zod";

import { tokenPattern, type CommonSettings } from "./settings.ts";

const TIMEOUT_MS = 30_000;

export interface Question {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly token: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** An answer that is no success. */
export class Refused extends Error {
  readonly status: number;
  constructor(url: string, status: number, told: string) {
    const { pathname } = new URL(url);
    const advice = pathname.startsWith("/bridge/") ? adviceOn.get(status) : undefined;
    super([`${pathname} answered ${status}`, told, advice].filter(Boolean).join(": "));
    this.status = status;
  }
}

/** What is probably wrong where the Worker refuses. */
const adviceOn = new Map([
  [401, "is BRIDGE_TOKEN good?"],
  [403, "has the account of BRIDGE_TOKEN the permission bridge?"],
  [404, "is BRIDGE set in the Worker, and PRODUCT_URL right?"],
]);

/** Whether the same question may be answered later though nobody changes anything. */
export const mayPass = (error: unknown): boolean =>
  !(error instanceof Refused) || ![401, 403, 404].includes(error.status);

/** Asks and reads the answer. Redirects are not followed: they would carry the token elsewhere. */
export async function ask<T extends z.ZodType>(schema: T, question: Question): Promise<z.output<T>> {
  const { method, url, token, body, signal } = question;
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const answer = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      accept: "application/json",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: "manual",
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  });
  const text = await answer.text();
  if (answer.status !== 200) throw new Refused(url, answer.status, firstErrorIn(text));
  return schema.parse(JSON.parse(text));
}

function firstErrorIn(text: string): string {
  try {
    const { errors } = JSON.parse(text) as { errors?: { message?: unknown }[] };
    const message = errors?.[0]?.message;
    return typeof message === "string" ? message.slice(0, 200) : "";
  } catch {
    return "";
  }
}

/** The token for the Worker; a file is read anew each time. */
export function tokenOf({ BRIDGE_TOKEN: token, BRIDGE_TOKEN_FILE: file }: CommonSettings): string {
  if (file === undefined) return token!;
  const held = readFileSync(file, "utf8").trim();
  if (!tokenPattern.test(held)) throw new Error("The file that BRIDGE_TOKEN_FILE names holds no token.");
  return held;
}
