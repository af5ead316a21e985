import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

import { isLocal, Plain } from "./options.ts";
import type { Kind, Portion, Refused } from "./portions.ts";

export interface Target {
  readonly url: URL;
  readonly token: string;
  readonly isDry: boolean;
  /** Aborted when nothing shall be waited for any more. */
  readonly signal: AbortSignal;
  /** Tells why it takes longer. */
  readonly say: (text: string) => void;
}

export interface Outcome {
  readonly imported: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly kept: number;
  readonly refusedCount: number;
  readonly refused: readonly Refused[];
}

const PATIENCE_MS = 5 * 60_000;
const MOST_PAUSE_MS = 20_000;
const ANSWER_MS = 3 * 60_000;

/** Sends a portion, again as long as what fails may pass. Lines in the outcome are those of the file. */
export async function sendPortion(target: Target, portion: Portion): Promise<Outcome> {
  const { texts, lines, kind, refused } = portion;
  const sent = await sendTexts(target, kind, texts, lines);
  const all = [...sent.refused, ...refused].toSorted((one, other) => one.line - other.line);
  return { ...sent, refused: all, refusedCount: sent.refusedCount + refused.length };
}

const nothing: Outcome = { imported: 0, updated: 0, unchanged: 0, kept: 0, refusedCount: 0, refused: [] };

async function sendTexts(
  target: Target,
  kind: Kind,
  texts: readonly string[],
  lines: readonly number[],
): Promise<Outcome> {
  if (texts.length === 0) return nothing;
  const answer = await persistently(target, kind, texts);
  if (answer.status === 200) {
    const { data } = (await answer.json()) as { data: Outcome };
    return { ...data, refused: data.refused.map((one) => ({ ...one, line: lines[one.line - 1] ?? one.line })) };
  }
  const told = await toldBy(answer);
  if (answer.status !== 413) throw new Plain(`The service refuses: ${told}`);
  if (texts.length === 1) {
    const findings = [{ error: "BODY_TOO_LARGE", message: told, pointer: "" }];
    return { ...nothing, refusedCount: 1, refused: [{ line: lines[0] ?? 0, findings }] };
  }
  const half = Math.ceil(texts.length / 2);
  const first = await sendTexts(target, kind, texts.slice(0, half), lines.slice(0, half));
  return joined(first, await sendTexts(target, kind, texts.slice(half), lines.slice(half)));
}

export const joined = (one: Outcome, other: Outcome): Outcome => ({
  imported: one.imported + other.imported,
  updated: one.updated + other.updated,
  unchanged: one.unchanged + other.unchanged,
  kept: one.kept + other.kept,
  refusedCount: one.refusedCount + other.refusedCount,
  refused: [...one.refused, ...other.refused],
});

async function persistently(target: Target, kind: Kind, texts: readonly string[]): Promise<Response> {
  const request = await requestOf(target, texts);
  const address = new URL(`/${kind}/import${target.isDry ? "?dryRun=true" : ""}`, target.url);
  const began = Date.now();
  for (let failures = 1; ; failures += 1) {
    const answer = await attempt(address, request);
    if (typeof answer !== "string") {
      if (answer.status === 401 || answer.status === 403) throw new Plain(await whyForbidden(answer));
      if (answer.status < 500 && answer.status !== 429) return answer;
    }
    const why = typeof answer === "string" ? answer : `${answer.status}: ${await toldBy(answer)}`;
    if (Date.now() - began > PATIENCE_MS) throw new Plain(`${target.url.origin} does not take it. ${why}`);
    const asked = typeof answer === "string" ? 0 : Number(answer.headers.get("retry-after") ?? 0) * 1000;
    const wait = Math.min(MOST_PAUSE_MS, 250 * 2 ** Math.min(failures, 10));
    const milliseconds = Math.max(wait * (0.5 + Math.random() / 2), Math.min(asked, MOST_PAUSE_MS));
    target.say(`Waiting ${(milliseconds / 1000).toFixed(1)} s. ${why}`);
    await pause(milliseconds, undefined, { signal: target.signal });
  }
}

async function requestOf({ token, url }: Target, texts: readonly string[]): Promise<RequestInit> {
  const text = texts.map((one) => `${one}\n`).join("");
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/x-ndjson" };
  if (isLocal(url)) return { method: "POST", headers, body: text };
  const body = new Uint8Array(await promisify(gzip)(text, { level: 3 }));
  return { method: "POST", headers: { ...headers, "content-encoding": "gzip" }, body };
}

/** An answer, or why there is none. */
async function attempt(address: URL, request: RequestInit): Promise<Response | string> {
  try {
    return await fetch(address, { ...request, redirect: "error", signal: AbortSignal.timeout(ANSWER_MS) });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const { code, message } = cause as { code?: string; message?: string };
    return `No answer from ${address.origin} (${code ?? message ?? "unknown"}).`;
  }
}

async function whyForbidden(answer: Response): Promise<string> {
  const told = await toldBy(answer);
  if (answer.status === 401) return `The token is not accepted (401): ${told}`;
  return `The token must be of an account with the permission all (403): ${told}`;
}

/** The first sentence of an error. */
async function toldBy(answer: Response): Promise<string> {
  const text = await answer.text();
  try {
    const [error] = (JSON.parse(text) as { errors: { message: string; detail?: string }[] }).errors;
    return [error?.message, error?.detail].filter(Boolean).join(" ");
  } catch {
    return text.slice(0, 200) || `status ${answer.status}`;
  }
}
