import { env, exports } from "cloudflare:workers";
import { SignJWT } from "jose";
import { expect } from "vitest";
import { z } from "zod";

import { app } from "../../src/app.ts";

export interface TestActor {
  readonly sub: string;
  readonly tenant?: string;
  readonly permissions: readonly string[];
}

export interface Call {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>> | string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly raw?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
  /** Settings that differ in this call. */
  readonly env?: Readonly<Record<string, unknown>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Tests say what they expect of a body; its form has been checked against the route's schema already.
  // oxlint-disable-next-line typescript/no-explicit-any -- a typed body would repeat every schema in every test
  readonly body: any;
}

type Form = "application/json" | "application/problem+json" | "application/x-ndjson";

interface Declared {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  readonly security: readonly unknown[];
  readonly permission: string | undefined;
  readonly responses: Readonly<Record<string, { content?: Partial<Record<Form, { schema: z.ZodType }>> }>>;
}

/** Every documented operation of the Worker. */
export const operations: readonly Declared[] = app.openAPIRegistry.definitions.flatMap((definition) =>
  definition.type === "route"
    ? [
        {
          method: definition.route.method.toUpperCase(),
          path: definition.route.path,
          operationId: definition.route.operationId ?? "",
          security: definition.route.security ?? [],
          permission: (definition.route as { "x-permission"?: string })["x-permission"],
          responses: definition.route.responses as unknown as Declared["responses"],
        },
      ]
    : [],
);

export function operation(operationId: string): Declared {
  const found = operations.find((declared) => declared.operationId === operationId);
  if (found === undefined) throw new Error(`No operation is called ${operationId}.`);
  return found;
}

const settings = env as unknown as { IAM_JWT_SECRET: string };

export const tokenFor = (actor: TestActor, expires = "1h"): Promise<string> =>
  new SignJWT({ permissions: [...actor.permissions], ...(actor.tenant === undefined ? {} : { tenant: actor.tenant }) })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(actor.sub)
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(settings.IAM_JWT_SECRET));

/** Calls a declared operation. An answer that its route does not declare, by status or by field, fails the test. */
export async function call(
  authorization: string | undefined,
  operationId: string,
  request: Call = {},
): Promise<Answer> {
  const declared = operation(operationId);
  const path = declared.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(request.params?.[name] ?? ""),
  );
  const query = typeof request.query === "string" ? request.query : new URLSearchParams(request.query).toString();
  const json = request.body === undefined ? {} : { body: JSON.stringify(request.body) };
  const raw = request.raw === undefined ? {} : { body: request.raw };
  const answer = await send(
    `http://flows.test${path}${query === "" ? "" : `?${query}`}`,
    {
      method: declared.method,
      ...json,
      ...raw,
      headers: {
        ...(authorization === undefined ? {} : { authorization }),
        ...(request.body === undefined ? {} : { "content-type": "application/json" }),
        ...request.headers,
      },
    },
    request.env,
  );
  const text = new TextDecoder().decode(await answer.arrayBuffer());
  const type = answer.headers.get("content-type")?.split(";", 1)[0];
  const isLines = type === "application/x-ndjson";
  const body: unknown = isLines ? linesIn(text) : text === "" ? undefined : JSON.parse(text);
  if (answer.status === 304) expect(declared.responses[304], `${operationId} does not declare 304`).toBeDefined();
  if (answer.status === 304) return { status: answer.status, headers: answer.headers, body };
  const content = declared.responses[answer.status]?.content;
  const form = isLines || type === "application/problem+json" ? type : "application/json";
  const declaredSchema = content?.[form]?.schema;
  const schema = isLines && declaredSchema !== undefined ? z.array(declaredSchema) : declaredSchema;
  if (schema === undefined) throw new Error(`${operationId} does not declare ${answer.status}: ${text}`);
  expect(schema.parse(body), `${operationId} ${answer.status} answers fields that it does not declare`).toEqual(body);
  return { status: answer.status, headers: answer.headers, body };
}

const linesIn = (text: string): unknown[] =>
  text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as unknown]));

async function send(url: string, init: RequestInit, changed: Call["env"]): Promise<Response> {
  if (changed === undefined) return exports.default.fetch(url, init);
  const { createExecutionContext, waitOnExecutionContext } = await import("cloudflare:test");
  const ctx = createExecutionContext();
  const answer = await app.fetch(new Request(url, init), { ...env, ...changed }, ctx);
  await waitOnExecutionContext(ctx);
  return answer;
}

/** A caller. */
export async function as(actor: TestActor) {
  const authorization = `Bearer ${await tokenFor(actor)}`;
  return {
    ...actor,
    authorization,
    call: (operationId: string, request?: Call) => call(authorization, operationId, request),
  };
}
export type Caller = Awaited<ReturnType<typeof as>>;
