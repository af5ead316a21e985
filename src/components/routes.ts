import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import type { HttpEnv } from "../identity/context.ts";
import { bodyErrors, refusals, secured } from "../identity/http.ts";
import { documentedBody, json, jsonBody } from "../platform/http.ts";
import { getComponent, listComponents } from "./list.ts";
import { mapComponent, unmapComponent } from "./map.ts";
import { ComponentEntry, ComponentInput, mappedId } from "./model.ts";

const ComponentAnswer = z
  .object({ data: ComponentEntry, meta: z.object({}).meta({ description: "Always empty here." }) })
  .meta({ id: "ComponentAnswer", description: "One component." });

const ComponentListAnswer = z
  .object({
    data: z.array(ComponentEntry).meta({
      description: "The components of this page: on the first those that are built in, then the mapped ones.",
    }),
    meta: z
      .object({ perPage: z.int().meta({ description: "Mapped components per page.", example: 100 }) })
      .meta({ description: "Where this page stands." }),
    links: z
      .object({
        next: z.string().nullable().meta({
          description: "Address of the page behind this one; null if there is none.",
          example: "/components?page%5Bsize%5D=100&page%5Bafter%5D=5ca5c44c187c040010a9bb8b",
        }),
      })
      .meta({ description: "Leads from page to page." }),
  })
  .meta({ id: "ComponentListAnswer", description: "A page of components." });

const MappedParams = z.object({
  id: z
    .string()
    .regex(mappedId)
    .openapi({
      param: { name: "id", in: "path" },
      description: "Id of the component: 24 hexadecimal digits.",
      example: "5ca5c44c187c040010a9bb8b",
    }),
});

const listRoute = createRoute({
  method: "get",
  path: "/components",
  operationId: "getComponents",
  tags: ["Components"],
  summary: "List components",
  description:
    "What the steps of a flow can be made of: the components that are built in, and those that an admin mapped. Needs the permission `flows.read`.",
  ...secured("flows.read"),
  request: {
    query: z.object({
      "page[size]": z
        .string()
        .regex(/^(?:[1-9]\d?|100)$/, "Use a whole number from 1 to 100.")
        .default("100")
        .meta({ description: "Mapped components per page: a whole number from 1 to 100.", example: "100" }),
      "page[after]": z
        .string()
        .regex(/^[0-9a-f]{24}$/, "Use the id of a mapped component, or follow `links`.")
        .optional()
        .meta({ description: "Begin behind the component of this id.", example: "5ca5c44c187c040010a9bb8b" }),
    }),
  },
  responses: {
    200: json(ComponentListAnswer, "A page of components."),
    ...refusals("INVALID_PARAMETER"),
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/components/{id}",
  operationId: "getComponentById",
  tags: ["Components"],
  summary: "Get a component",
  description: "One component, with a JSON Schema of its fields. Needs the permission `flows.read`.",
  ...secured("flows.read"),
  request: {
    params: z.object({
      id: z.string().openapi({
        param: { name: "id", in: "path" },
        description: "Name of a component that is built in, or id of a mapped one.",
        example: "http",
      }),
    }),
  },
  responses: {
    200: json(ComponentAnswer, "The component."),
    ...refusals("COMPONENT_NOT_FOUND"),
  },
});

const mapRoute = createRoute({
  method: "put",
  path: "/components/{id}",
  operationId: "mapComponent",
  tags: ["Components"],
  summary: "Say where a component is",
  description:
    "Maps an id to an HTTPS endpoint or a service binding of this Worker. Steps that name the id as their `componentId` call it with each message from then on. Needs the permission `all`.",
  ...secured("all", jsonBody),
  request: {
    params: MappedParams,
    body: documentedBody("ComponentInput", "Where the component is.", {
      name: "CRM connector",
      endpoint: "https://crm-component.example.com/process",
    }),
  },
  responses: {
    200: json(ComponentAnswer, "The component as it is mapped now."),
    ...refusals("INVALID_ID", ...bodyErrors),
  },
});

const unmapRoute = createRoute({
  method: "delete",
  path: "/components/{id}",
  operationId: "unmapComponent",
  tags: ["Components"],
  summary: "Forget where a component is",
  description:
    "Flows that use it can no longer be started, and their steps fail; `GET /flows?filter[componentId]=` finds them. Needs the permission `all`.",
  ...secured("all"),
  request: { params: MappedParams },
  responses: {
    200: json(
      z
        .object({
          msg: z.string().meta({ description: "What was done.", example: "Component was successfully unmapped" }),
        })
        .meta({ id: "ComponentUnmappedAnswer", description: "Confirms that a component is unmapped." }),
      "The component is not mapped any more.",
    ),
    ...refusals("INVALID_ID", "COMPONENT_NOT_FOUND"),
  },
});

export const componentRoutes = new OpenAPIHono<HttpEnv>()
  .openapi(listRoute, async (c) => {
    const { "page[size]": size, "page[after]": after = "" } = c.req.valid("query");
    return c.json(await listComponents(c.var.context, { size: Number(size), after }), 200);
  })
  .openapi(getRoute, async (c) => {
    return c.json({ data: await getComponent(c.var.context, c.req.valid("param").id), meta: {} }, 200);
  })
  .openapi(mapRoute, async (c) => {
    const data = await mapComponent(c.env, c.var.context, c.req.valid("param").id, c.var.body);
    return c.json({ data, meta: {} }, 200);
  })
  .openapi(unmapRoute, async (c) => {
    await unmapComponent(c.var.context, c.req.valid("param").id);
    return c.json({ msg: "Component was successfully unmapped" }, 200);
  });
componentRoutes.openAPIRegistry.register("ComponentInput", ComponentInput);
