import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";

import type { HttpEnv } from "./identity/context.ts";

const description = `Stores flows, has them started and stopped, and runs them.

A *flow* is a document that users and tenants own: a graph of steps that payloads travel through (kind \`integration\`), a
script that people walk through (kind \`workflow\`), or an API on the gateway (kind \`api\`). It is \`inactive\`, \`starting\`, \`active\` or \`stopping\`;
it can be edited and deleted while it is inactive; an API has a draft, and is saved while it is active. Drop-in for the Flow Repository of the Open Integration Hub.

Every error is answered as \`{"errors":[{"message","code","error"}]}\`: \`error\` is a stable name, \`pointer\` and \`parameter\` tell the place.
Every answer carries \`x-request-id\`, save those of APIs on the gateway that went well; send one to have it in our log.`;

let made: ReturnType<OpenAPIHono["getOpenAPI31Document"]> | undefined;

/** The document of all routes, made from the routes, once per isolate. */
export function openApiDocument(app: OpenAPIHono<HttpEnv>) {
  made ??= app.getOpenAPI31Document(
    {
      openapi: "3.1.0",
      info: {
        title: "Flow Repository",
        version: "1.0.0",
        description,
        license: { name: "Apache 2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
      },
      servers: [{ url: "/", description: "Where this document came from." }],
      tags: [
        { name: "Flows", description: "Store, check, read, edit and delete flows." },
        { name: "Revisions", description: "What a flow was before, and how to go back." },
        { name: "Start and stop", description: "Have flows made live and taken down." },
        { name: "Hooks", description: "Have a flow run by a request from outside." },
        {
          name: "Runs",
          description: "What flows did and do, begun by hand or by themselves; cancel, restart, replay.",
        },
        {
          name: "Executions",
          description: "Hub Client API: people go through a workflow, route by route. Errors are RFC 9457 problems.",
        },
        {
          name: "Back office",
          description: "For those who run workflows: executions, what happened in them, their end.",
        },
        { name: "APIs", description: "Edit, try and save the APIs that stand on the gateway; traces of their calls." },
        { name: "Apps", description: "Who calls APIs: client ids, secrets, fields, plans." },
        { name: "Plans", description: "By what right apps call APIs, with interceptors of their own." },
        { name: "Secrets", description: "Credentials that the steps of a flow use." },
        { name: "Templates", description: "One flow for many customers: instances with values of their own." },
        { name: "Components", description: "What the steps of a flow are made of." },
        { name: "Operations", description: "For those who run the service." },
      ],
    },
    { unionPreferredType: "oneOf" },
  );
  return made;
}

/** A page that shows the document; its script comes from the Worker's own assets. */
export function apiDocs(c: HonoContext): Response {
  const nonce = crypto.randomUUID();
  c.header(
    "content-security-policy",
    `default-src 'self'; script-src 'self' 'nonce-${nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'`,
  );
  return c.html(`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Flow Repository API</title>
    <link rel="stylesheet" href="/api-docs-assets/swagger-ui.css" />
    <link rel="icon" href="data:," />
  </head>
  <body>
    <div id="docs"></div>
    <script src="/api-docs-assets/swagger-ui-bundle.js"></script>
    <script nonce="${nonce}">
      SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true, persistAuthorization: true, validatorUrl: null });
    </script>
  </body>
</html>`);
}
