import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import type { HttpEnv } from "../identity/context.ts";
import { bodyErrors, refusals, secured } from "../identity/http.ts";
import { documentedBody, json } from "../platform/http.ts";
import { createSecret } from "./create.ts";
import { deleteSecret } from "./delete.ts";
import { getSecret } from "./get.ts";
import { secretBody } from "./body.ts";
import { listSecrets } from "./list.ts";
import { SecretInput, SecretPatch } from "./model.ts";
import { SecretAnswer, SecretListAnswer, SecretParams } from "./schemas.ts";
import { updateSecret } from "./update.ts";

const createSecretRoute = createRoute({
  method: "post",
  path: "/secrets",
  operationId: "addSecret",
  tags: ["Secrets"],
  summary: "Store a secret",
  description:
    "Keeps a credential, encrypted, for flows that name its id as `credentials_id`. No answer ever tells its value. You and your tenant become owners; a flow can use it if who started the flow, or their tenant, is one. Needs the permission `secrets.secret.write`.",
  ...secured("secrets.secret.write", secretBody),
  request: { body: documentedBody("SecretInput", "The secret.") },
  responses: {
    201: json(SecretAnswer, "The secret, without its value."),
    ...refusals("OWNER_NOT_ALLOWED", "SECRETS_NOT_KEPT", ...bodyErrors),
  },
});

const listRoute = createRoute({
  method: "get",
  path: "/secrets",
  operationId: "getSecrets",
  tags: ["Secrets"],
  summary: "List secrets",
  description: "The secrets that you or your tenant own, without values. Needs the permission `secrets.secret.read`.",
  ...secured("secrets.secret.read"),
  request: {
    query: z.object({
      "page[size]": z
        .string()
        .regex(/^(?:[1-9]\d{0,2}|1000)$/, "Use a whole number from 1 to 1000.")
        .default("100")
        .meta({ description: "Secrets per page: a whole number from 1 to 1000.", example: "100" }),
      "page[after]": z
        .string()
        .regex(/^[0-9a-f]{24}$/, "Use the id of a secret, or follow `links`.")
        .optional()
        .meta({ description: "Begin behind the secret of this id.", example: "5ca5c44c187c040010a9bb8c" }),
    }),
  },
  responses: {
    200: json(SecretListAnswer, "A page of secrets; empty if there is none."),
    ...refusals("INVALID_PARAMETER"),
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/secrets/{id}",
  operationId: "getSecretById",
  tags: ["Secrets"],
  summary: "Get a secret",
  description: "One secret that you or your tenant own, without its value. Needs the permission `secrets.secret.read`.",
  ...secured("secrets.secret.read"),
  request: { params: SecretParams },
  responses: {
    200: json(SecretAnswer, "The secret, without its value."),
    ...refusals("INVALID_ID", "SECRET_NOT_FOUND"),
  },
});

const updateRoute = createRoute({
  method: "patch",
  path: "/secrets/{id}",
  operationId: "updateSecret",
  tags: ["Secrets"],
  summary: "Rename a secret or replace its value",
  description:
    "Type and owners stay. A new value replaces the old one as a whole; flows use it from their next step on. Needs the permission `secrets.secret.write`.",
  ...secured("secrets.secret.write", secretBody),
  request: {
    params: SecretParams,
    body: documentedBody("SecretPatch", "Name, value or both."),
  },
  responses: {
    200: json(SecretAnswer, "The secret after it, without its value."),
    ...refusals("INVALID_ID", "SECRET_NOT_FOUND", "SECRETS_NOT_KEPT", ...bodyErrors),
  },
});

const deleteRoute = createRoute({
  method: "delete",
  path: "/secrets/{id}",
  operationId: "deleteSecret",
  tags: ["Secrets"],
  summary: "Delete a secret",
  description:
    "Removes the secret for good. Steps of flows that still name it fail from then on; `GET /flows?filter[credentials_id]=` finds them. Needs the permission `secrets.secret.write`.",
  ...secured("secrets.secret.write"),
  request: { params: SecretParams },
  responses: {
    200: json(
      z
        .object({ msg: z.string().meta({ description: "What was done.", example: "Secret was successfully deleted" }) })
        .meta({ id: "SecretDeletedAnswer", description: "Confirms a deletion." }),
      "The secret is gone.",
    ),
    ...refusals("INVALID_ID", "SECRET_NOT_FOUND"),
  },
});

export const secretRoutes = new OpenAPIHono<HttpEnv>()
  .openapi(createSecretRoute, async (c) => {
    return c.json({ data: await createSecret(c.var.context, c.var.body), meta: {} }, 201);
  })
  .openapi(listRoute, async (c) => {
    const { "page[size]": size, "page[after]": after = "" } = c.req.valid("query");
    return c.json(await listSecrets(c.var.context, { size: Number(size), after }), 200);
  })
  .openapi(getRoute, async (c) => {
    return c.json({ data: await getSecret(c.var.context, c.req.valid("param").id), meta: {} }, 200);
  })
  .openapi(updateRoute, async (c) => {
    const data = await updateSecret(c.var.context, c.req.valid("param").id, c.var.body);
    return c.json({ data, meta: {} }, 200);
  })
  .openapi(deleteRoute, async (c) => {
    await deleteSecret(c.var.context, c.req.valid("param").id);
    return c.json({ msg: "Secret was successfully deleted" }, 200);
  });
secretRoutes.openAPIRegistry.register("SecretInput", SecretInput);
secretRoutes.openAPIRegistry.register("SecretPatch", SecretPatch);
