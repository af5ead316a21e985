import { z } from "@hono/zod-openapi";

import { Fields } from "../../workflows/fields.ts";
import { problemStatus, Problem, type ProblemCode } from "../problem.ts";

const uuid = (description: string) => z.uuid().meta({ description, example: "511b0441-d6d0-4a8a-8003-22ef52740847" });

export const RouteResource = z
  .object({
    uuid: uuid("Identifies the route: it is what a submit and a step back name."),
    uri: z.string().meta({
      description: "Tells the client which view to show; empty at an end without a view.",
      example: "/product",
    }),
    terminal: z.boolean().meta({ description: "Whether the execution has ended.", example: false }),
    backEnabled: z.boolean().meta({ description: "Whether there is a way back.", example: true }),
    export: z
      .unknown()
      .optional()
      .meta({ description: "Data for the view; at an end its result.", example: { product1: "Product1" } }),
    payload: z
      .unknown()
      .optional()
      .meta({
        description: "What the view is filled with: what was submitted here before, or a draft.",
        example: { product: "product1" },
      }),
    validate: Fields.optional(),
    name: z.string().optional().meta({ description: "The route's name in the script.", example: "product" }),
  })
  .meta({
    id: "Route",
    description: "What a client shows.",
    example: {
      uuid: "89828e1e-c834-42a2-86f1-893209f63ab5",
      uri: "/product",
      terminal: false,
      backEnabled: true,
      export: { product1: "Product1", product2: "Product2" },
    },
  });

export const Ticketed = z
  .object({
    uuid: uuid("The execution."),
    uri: z
      .string()
      .meta({ description: "Where it is asked for.", example: "/api/execution/511b0441-d6d0-4a8a-8003-22ef52740847" }),
    token: z
      .string()
      .meta({ description: "Opens it: send it as Authorization: Bearer.", example: "eyJhbGciOiJIUzI1NiJ9.e30.x" }),
  })
  .meta({
    id: "ExecutionTicket",
    description: "An execution, or a function that was called in one, and what opens it.",
  });

export const Running = z
  .object({
    uuid: uuid("The execution, or the function."),
    status: z.literal("running").meta({ description: "It is at work.", example: "running" }),
  })
  .meta({ id: "ExecutionRunning", description: "It is still at work; ask again after Retry-After seconds." });

export const Invalid = z
  .object({
    errors: z
      .array(
        z
          .object({
            field: z.string().meta({ description: "Path of the field.", example: "address.city" }),
            message: z.string().meta({ description: "What is wrong with it.", example: "Required" }),
          })
          .meta({ id: "FieldError", description: "Something that is wrong with a field." }),
      )
      .meta({ description: "All of them, in the order of the fields." }),
  })
  .meta({ id: "FieldErrors", description: "What is wrong with a payload. Nothing was changed by it." });

export const SubmitInput = z
  .looseObject({
    uuid: uuid("The current route."),
    payload: z
      .unknown()
      .optional()
      .meta({ description: "What was entered, and descriptors of uploaded files.", example: { firstname: "Joe" } }),
  })
  .meta({
    id: "SubmitInput",
    description: "What a user entered at a route.",
    example: { uuid: "3a0d231f-12b8-47b3-a495-b9418db294b3", payload: { firstname: "Joe" } },
  });

export const CallInput = z
  .looseObject({
    name: z.string().min(1).max(64).meta({ description: "The function.", example: "exchange" }),
    payload: z
      .unknown()
      .optional()
      .meta({ description: "Its input.", example: { zip: "10115" } }),
  })
  .meta({ id: "CallInput", description: "A function and its input.", example: { name: "exchange" } });

export const FileDescriptor = z
  .object({
    uuid: uuid("The file."),
    fileName: z.string().meta({ description: "Its name, as it was sent.", example: "my_cool_id_card_photo.png" }),
    mimeType: z.string().meta({ description: "Its type, as it was sent.", example: "image/png" }),
    size: z.int().meta({ description: "Bytes.", example: 123_123 }),
    expiredOn: z.iso
      .datetime()
      .meta({ description: "When it is deleted at the latest.", example: "2026-11-22T12:00:00.000Z" }),
  })
  .meta({ id: "FileDescriptor", description: "An uploaded file. A payload names it by this." });

export const problem = (...codes: readonly (ProblemCode | { status: number; code: string })[]): object => {
  const told = codes.map((code) => (typeof code === "string" ? { status: problemStatus(code), code } : code));
  return Object.fromEntries(
    [...Map.groupBy(told, ({ status }) => status)].map(([status, same]) => [
      status,
      {
        description: same.map(({ code }) => code).join(", "),
        content: { "application/problem+json": { schema: Problem } },
      },
    ]),
  );
};

const ofTheService = [
  { status: 500, code: "INTERNAL" },
  { status: 503, code: "MISCONFIGURED" },
  { status: 503, code: "STORAGE_UNAVAILABLE" },
] as const;
export const ofEvery = [...ofTheService, "EXECUTION_UNAVAILABLE"] as const;
export const ofBody = [
  { status: 400, code: "INVALID_JSON" },
  { status: 400, code: "INVALID_BODY" },
  { status: 413, code: "BODY_TOO_LARGE" },
  { status: 415, code: "UNSUPPORTED_MEDIA_TYPE" },
] as const;
/** An error command of the script, or a fault of it or the platform, that ended the execution. */
export const ofFaults = [
  { status: 400, code: "the code of the script's error" },
  { status: 500, code: "the code of an exchange's fault" },
] as const;

export const uuidParameter = (name: string, description: string) =>
  z.string().meta({
    param: { name, in: "path" },
    description,
    example: "511b0441-d6d0-4a8a-8003-22ef52740847",
    format: "uuid",
  });

export const WaitQuery = z.object({
  wait: z
    .string()
    .optional()
    .meta({
      param: { name: "wait", in: "query" },
      description: "Seconds for which the answer may take; 0 to 55, default 25.",
      example: "25",
    }),
});

export const ExecutionInput = z.unknown().meta({
  id: "ExecutionInput",
  description: "The input of an execution: any JSON object or list.",
  example: { source: "campaign" },
});
