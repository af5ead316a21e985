import { z } from "zod";

import { Trace } from "../trace/view.ts";

const Status = z
  .int()
  .min(200)
  .max(599)
  .default(200)
  .meta({ description: "HTTP status, 200 to 599. Default 200.", example: 200 });
const name = z.string().regex(/^[\w!#$%&'*+.^`|~-]{1,200}$/, "Use letters, digits and hyphens in names of headers.");
const value = z
  .string()
  .regex(/^[\t\u0020-\u007e\u0080-\u00ff]*$/, "Leave out line breaks and other control characters.");
const Headers = z
  .record(name, value)
  .default({})
  .meta({ description: "Headers.", example: { "content-type": "application/json" } });
const body = z
  .unknown()
  .optional()
  .meta({ description: "Body: a text as it is, all else as JSON.", example: { id: 7 } });

const Mock = z
  .strictObject({ status: Status, headers: Headers, body })
  .meta({ id: "TryMock", description: "An answer that stands in place of a real one.", example: { status: 200 } });
export type Mock = z.output<typeof Mock>;

export const TryInput = z
  .strictObject({
    method: z
      .string()
      .regex(/^[A-Za-z-]{1,40}$/, "Use an HTTP method, such as GET.")
      .meta({ description: "HTTP method.", example: "GET" }),
    path: z
      .string()
      .max(2000)
      .regex(/^\/[^?#\\\s]*$/, "Begin with a slash. The query has a field of its own.")
      .meta({ description: "Path behind the base path.", example: "/orders/7" }),
    query: z
      .record(z.string(), z.union([z.string(), z.array(z.string()).max(100)]))
      .default({})
      .meta({ description: "Query parameters; a list for one that comes several times.", example: { page: "2" } }),
    headers: Headers,
    body,
    app: z.string().max(200).optional().meta({
      description:
        "Client id of one of your apps. The call begins as if that app had been found already; interceptors that identify apps ask for their credentials all the same.",
      example: "app_6b0259e4ef2fe4ca09ca001d",
    }),
    of: z.enum(["draft", "live"]).default("draft").meta({
      description: "draft: what is not saved yet, or what is saved if there is no draft. live: what is saved.",
      example: "draft",
    }),
    destination: z.enum(["mock", "real"]).default("mock").meta({
      description:
        "mock: nothing leaves the gateway but questions for public keys; destination and callouts are answered as said here. real: they are asked, with all that follows there.",
      example: "mock",
    }),
    mock: Mock.optional().meta({ description: "Answer of the destination; without one 200 with {}." }),
    callouts: z
      .record(z.string(), Mock)
      .default({})
      .meta({
        description:
          "Answers of callouts and internal calls, by their variable; those that are not named get 200 with {}.",
        example: { customer: { status: 200, body: { name: "Shop" } } },
      }),
  })
  .meta({
    id: "TryInput",
    description: "A call that is tried.",
    example: { method: "GET", path: "/orders/7", headers: { accept: "application/json" } },
  });
export type TryInput = z.output<typeof TryInput>;

export const Tried = z
  .object({
    answer: z
      .object({
        status: z.int().meta({ description: "HTTP status.", example: 200 }),
        headers: z.record(z.string(), z.string()).meta({ description: "Headers.", example: { "x-request-id": "1" } }),
        body: z.string().meta({ description: "Body, its first 64 KiB.", example: '{"id":7}' }),
        encoding: z
          .literal("base64")
          .optional()
          .meta({ description: "Present if the body is no text, and stands here as base64.", example: "base64" }),
        truncated: z
          .literal(true)
          .optional()
          .meta({ description: "Present if there is more of the body.", example: true }),
      })
      .meta({ id: "TriedAnswer", description: "What the client would get." }),
    trace: Trace.nullable().meta({ description: "What happened; null if the API has no such operation." }),
  })
  .meta({ id: "Tried", description: "What came of a call that was tried." });
export type Tried = z.infer<typeof Tried>;
