import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { vi } from "vitest";

import { app } from "../../src/app.ts";

export interface Wired {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
  /** Settings and bindings that differ in this request. */
  readonly env?: Readonly<Record<string, unknown>>;
}

/** Sends any request to the Worker, also one that no operation declares, and follows no redirect. */
export async function wire(method: string, path: string, request: Wired = {}): Promise<Response> {
  const { headers = {}, body, env: changed } = request;
  const init: RequestInit = { method, headers: { ...headers }, redirect: "manual", ...(body ? { body } : {}) };
  const url = `http://flows.test${path}`;
  if (changed === undefined) return exports.default.fetch(url, init);
  const ctx = createExecutionContext();
  const answer = await app.fetch(new Request(url, init), { ...env, ...changed }, ctx);
  await waitOnExecutionContext(ctx);
  return answer;
}

/** What stands in the one error envelope. */
export const errorsOf = async (answer: Response): Promise<Record<string, unknown>[]> =>
  (await answer.json<{ errors: Record<string, unknown>[] }>()).errors;

/** A database whose statements and batches all answer the same. */
export function databaseThat(answers: () => Promise<unknown>): object {
  const statement: object = { bind: () => statement, all: answers, raw: answers, run: answers, first: answers };
  const database: object = {
    prepare: () => statement,
    batch: answers,
    getBookmark: () => null,
    withSession: () => database,
  };
  return database;
}

const fail = (): never => {
  throw new Error("D1_ERROR: the disk of host db-17 is full");
};

/** A database that throws before it even promises anything. */
export function throwingDatabase(): object {
  const database: object = { prepare: fail, batch: fail, getBookmark: () => null, withSession: () => database };
  return database;
}

/** A database that is down. Drizzle wraps what a statement throws and passes on what a batch throws. */
export const brokenDatabase = (error: unknown = new Error("D1_ERROR: the disk of host db-17 is full")) =>
  databaseThat(() => {
    throw error;
  });

/** Takes down all that is written to the console, as text, with the messages and stacks of errors. */
export function recordConsole() {
  const lines: { level: string; entry: unknown }[] = [];
  for (const level of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, level).mockImplementation((...entries: unknown[]) => {
      for (const entry of entries) lines.push({ level, entry: structured(entry) });
    });
  }
  return {
    lines,
    of: (event: string) =>
      lines.map((line) => line.entry as Record<string, unknown>).filter((entry) => entry["event"] === event),
    text: () => JSON.stringify(lines, spelledOut),
  };
}

/** A line of ours is JSON. */
function structured(entry: unknown): unknown {
  try {
    return typeof entry === "string" ? JSON.parse(entry) : entry;
  } catch {
    return entry;
  }
}

const spelledOut = (_key: string, value: unknown): unknown =>
  value instanceof Error ? { name: value.name, message: value.message, stack: value.stack, cause: value.cause } : value;
