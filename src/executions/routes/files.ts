import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";

import type { HttpEnv } from "../../identity/context.ts";
import { json } from "../../platform/http.ts";
import type { FileDescriptor as Descriptor } from "../../workflows/rules.ts";
import { receiveFile } from "../files/receive.ts";
import { keyOf } from "../files/store.ts";
import { ProblemError, reached } from "../problem.ts";
import { demandUuid, objectOf, ticketIn, type ExecutionStub } from "./edge.ts";
import { FileDescriptor, ofEvery, problem, uuidParameter } from "./schemas.ts";

type Context = HonoContext<HttpEnv>;

const tags = ["Executions"];
const security = [{ Execution: [] }];
const params = z.object({ uuid: uuidParameter("uuid", "The file.") });
const ofToken = ["TOKEN_INVALID", "EXECUTION_NOT_FOUND"] as const;

const addRoute = createRoute({
  method: "post",
  path: "/api/files/cache",
  operationId: "addFile",
  summary: "Upload a file",
  description:
    "Keeps the one file of a form for the execution that the token opens; a payload names it by its descriptor. It is deleted with the execution. At most `FILE_LIMIT` bytes, and 100 files.",
  tags,
  security,
  request: {
    body: {
      required: true,
      description: "A form with one file.",
      content: {
        "multipart/form-data": {
          // No zod: its validator would read the whole form before the file can be streamed.
          schema: {
            type: "object",
            description: "A form with one file.",
            properties: { file: { type: "string", format: "binary", description: "The file.", example: "…" } },
            required: ["file"],
          },
        },
      },
    },
  },
  responses: {
    201: json(FileDescriptor, "The file is kept."),
    ...problem(
      ...ofToken,
      "TOO_MANY_FILES",
      "EXECUTION_TERMINATED",
      { status: 400, code: "INVALID_BODY" },
      { status: 413, code: "BODY_TOO_LARGE" },
      { status: 415, code: "UNSUPPORTED_MEDIA_TYPE" },
      ...ofEvery,
    ),
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/api/files/cache/{uuid}",
  operationId: "getFile",
  summary: "Read what is known of a file",
  description: "Only the execution that it was uploaded for can ask for it.",
  tags,
  security,
  request: { params },
  responses: {
    200: json(FileDescriptor, "The file."),
    ...problem("INVALID_UUID", ...ofToken, "FILE_NOT_FOUND", ...ofEvery),
  },
});

const contentRoute = createRoute({
  method: "get",
  path: "/api/files/cache/{uuid}/content",
  operationId: "getFileContent",
  summary: "Download a file",
  description: "What was uploaded, as an attachment: a browser shows nothing of it on this origin.",
  tags,
  security,
  request: { params },
  responses: {
    200: {
      description: "The file.",
      content: { "application/octet-stream": { schema: z.string().meta({ format: "binary", example: "…" }) } },
    },
    ...problem("INVALID_UUID", ...ofToken, "FILE_NOT_FOUND", ...ofEvery),
  },
});

const dropRoute = createRoute({
  method: "delete",
  path: "/api/files/cache/{uuid}",
  operationId: "deleteFile",
  summary: "Delete a file",
  description: "It is gone at once; payloads that name it are refused.",
  tags,
  security,
  request: { params },
  responses: {
    200: json(z.object({}).meta({ id: "FileDeleted", description: "Nothing more to say." }), "The file is gone."),
    ...problem("INVALID_UUID", ...ofToken, "FILE_NOT_FOUND", ...ofEvery),
  },
});

export const fileRoutes = new OpenAPIHono<HttpEnv>();
fileRoutes.openapi(addRoute, (c) => add(c) as never);
fileRoutes.openapi(getRoute, async (c) => c.json((await found(c)).file) as never);
fileRoutes.openapi(contentRoute, (c) => content(c) as never);
fileRoutes.openapi(dropRoute, (c) => drop(c) as never);

interface Place {
  readonly execution: string;
  readonly object: ExecutionStub;
}

async function placeOf(c: Context): Promise<Place> {
  const { execution, function: func } = await ticketIn(c);
  if (func !== undefined) throw new ProblemError("TOKEN_INVALID");
  return { execution, object: objectOf(c, execution) };
}

/** The file is kept under a key of its own first, and entered then: what is entered can be had. */
async function add(c: Context): Promise<Response> {
  const { execution, object } = await placeOf(c);
  const may = await reached<"yes" | "ended" | "tooMany" | "none">(() => object().mayAddFile());
  if (may === "ended") throw new ProblemError("EXECUTION_TERMINATED");
  if (may === "tooMany") throw new ProblemError("TOO_MANY_FILES");
  const expiresAt = await reached<number | undefined>(() => object().expiresAt());
  if (may === "none" || expiresAt === undefined) throw new ProblemError("EXECUTION_NOT_FOUND");
  const uuid = crypto.randomUUID();
  const key = keyOf(execution, uuid);
  const mostBytes = c.get("config").FILE_LIMIT;
  const received = await receiveFile(c.req.raw, { bucket: c.env.FILES, key, mostBytes });
  const file = { uuid, ...received, expiredOn: new Date(expiresAt).toISOString() };
  const added = await reached<"added" | "ended" | "tooMany">(() => object().addFile(file));
  if (added === "added") return c.json(file, 201);
  // It ended, or others came, while the file was on its way.
  await c.env.FILES.delete(key);
  throw new ProblemError(added === "ended" ? "EXECUTION_TERMINATED" : "TOO_MANY_FILES");
}

async function found(c: Context): Promise<Place & { file: Descriptor }> {
  const uuid = c.req.param("uuid")!;
  demandUuid(uuid);
  const place = await placeOf(c);
  const file = await reached<Descriptor | undefined>(() => place.object().file(uuid.toLowerCase()));
  if (file !== undefined) return { ...place, file };
  const expiresAt = await reached<number | undefined>(() => place.object().expiresAt());
  throw new ProblemError(expiresAt === undefined ? "EXECUTION_NOT_FOUND" : "FILE_NOT_FOUND");
}

async function content(c: Context): Promise<Response> {
  const { execution, file } = await found(c);
  const kept = await c.env.FILES.get(keyOf(execution, file.uuid));
  if (kept === null) throw new ProblemError("FILE_NOT_FOUND");
  return c.body(kept.body, 200, {
    "content-type": file.mimeType,
    "content-length": `${kept.size}`,
    "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(file.fileName)}`,
    "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
  });
}

/** Forgotten first: what is not entered is deleted with the execution at the latest. */
async function drop(c: Context): Promise<Response> {
  const { execution, object, file } = await found(c);
  await reached<boolean>(() => object().dropFile(file.uuid));
  await c.env.FILES.delete(keyOf(execution, file.uuid));
  return c.json({});
}
