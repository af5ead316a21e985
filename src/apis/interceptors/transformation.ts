import { z } from "zod";

import { expressionOver } from "../../expressions/schemas.ts";
import { address, jsonPaths, names, ofCall, token, writtenHeaders, writtenNames } from "../fields.ts";
import { everywhere, interceptor, onBoth, onRequest } from "./interceptor.ts";

const isEmpty = (value: unknown): boolean => value === undefined || Object.keys(value as object).length === 0;

/** What changes nothing was forgotten to be filled in. */
const demandOne =
  (...fields: readonly string[]) =>
  (config: Readonly<Record<string, unknown>>, check: z.core.$RefinementCtx): void => {
    if (!fields.every((field) => isEmpty(config[field]))) return;
    const message = `Nothing would change. Say something in ${fields.join(", ")}.`;
    check.addIssue({ code: "custom", path: [fields[0]!], message, params: { code: "NOTHING_TO_DO" } });
  };

const header = interceptor({
  type: "header",
  category: "transformation",
  description:
    "Removes, sets and adds headers, in this order. On the request those for the destination, on the response those for the client.",
  stages: onBoth,
  scopes: everywhere,
  config: z
    .strictObject({
      remove: writtenNames("Headers that are taken away.", ["x-internal"]),
      set: writtenHeaders("Headers that get this value alone.", { "x-app": "{{app.name}}" }),
      add: writtenHeaders("Headers that get this value besides those they have.", { "x-hop": "gateway" }),
    })
    .superRefine(demandOne("set", "add", "remove")),
});

const parameters = (description: string, example: Readonly<Record<string, string>>) =>
  z
    .record(z.string().min(1).max(200), ofCall("The value.", "{{app.id}}"))
    .default({})
    .meta({ description: `${description} One without a value leaves its parameter out.`, example });

const query = interceptor({
  type: "query",
  category: "transformation",
  description: "Removes, sets and adds query parameters for the destination, in this order.",
  stages: onRequest,
  scopes: everywhere,
  config: z
    .strictObject({
      remove: names("Parameters that are taken away.", ["debug"]),
      set: parameters("Parameters that get this value alone.", { tenant: "{{app.fields.tenant}}" }),
      add: parameters("Parameters that get this value besides those they have.", { tag: "gateway" }),
    })
    .superRefine(demandOne("set", "add", "remove")),
});

const destination = interceptor({
  type: "destination",
  category: "transformation",
  description: "Sends the call elsewhere, in place of the destination. The last one that works decides.",
  stages: onRequest,
  scopes: everywhere,
  addresses: [{ field: "url", ofCaller: true }],
  config: z.strictObject({
    url: address(
      "Address, with {{env.NAME}} or {{app.fields.NAME}} or {{token.NAME}} in front or an address as it is.",
      "{{app.fields.backend}}",
    ),
    replaces: z.enum(["address", "host"]).default("address").meta({
      description:
        "address: the whole address; the query of the call stays. host: scheme, host and port alone. Default address.",
      example: "host",
    }),
  }),
});

const xmlName = (description: string, preset: string) =>
  z
    .string()
    .regex(/^[A-Za-z_][\w.-]{0,99}$/, "Use a name such as order.")
    .default(preset)
    .meta({ description: `${description} Default ${preset}.`, example: preset });

const jsonXml = interceptor({
  type: "jsonXml",
  category: "transformation",
  description:
    "Makes JSON of an XML body, or XML of a JSON body. A body of another type passes. A document type is refused.",
  stages: onBoth,
  scopes: everywhere,
  needsBody: (_, stage) => stage,
  config: z.strictObject({
    to: z.enum(["json", "xml"]).meta({ description: "What the body becomes.", example: "json" }),
    root: xmlName("Element around JSON that has not exactly one key.", "root"),
    item: xmlName("Element for each item of a list that stands in no object.", "item"),
    attributePrefix: z
      .string()
      .min(1)
      .max(10)
      .default("@")
      .meta({ description: "What keys begin with that are attributes. Default @.", example: "@" }),
    textKey: z.string().min(1).max(50).default("#text").meta({
      description: "Key of the text of an element that has attributes or children. Default #text.",
      example: "#text",
    }),
  }),
});

const overBody = expressionOver("`body` (the JSON), and all that conditions see");

const bodyTransform = interceptor({
  type: "bodyTransform",
  category: "transformation",
  description: "Makes another JSON body of a JSON body. A body of another type passes; no result is an empty body.",
  stages: onBoth,
  scopes: everywhere,
  needsBody: (_, stage) => stage,
  config: z.strictObject({
    expression: overBody("The new body.", "body.{ 'id': number, 'total': $sum(items.price) }"),
    contentType: z
      .string()
      .regex(/^[\w.+-]{1,100}\/[\w.+-]{1,100}$/, "Use a type such as application/json.")
      .default("application/json")
      .meta({ description: "Its type. Default application/json.", example: "application/json" }),
  }),
});

const mask = interceptor({
  type: "mask",
  category: "transformation",
  description:
    "Masks values of a JSON body and of headers on the wire: each character becomes a sign, save those that are kept at the ends.",
  stages: onBoth,
  scopes: everywhere,
  needsBody: ({ fields }, stage) => (fields.length > 0 ? stage : undefined),
  config: z
    .strictObject({
      fields: jsonPaths("Values of the body."),
      headers: z
        .array(token)
        .max(50)
        .default([])
        .meta({ description: "Headers whose values are masked.", example: ["x-account"] }),
      keepFirst: keep("first"),
      keepLast: keep("last"),
      sign: z
        .string()
        .regex(/^[!-~]$/, "Use one sign, such as *.")
        .default("*")
        .meta({ description: "The sign. Default *.", example: "*" }),
    })
    .superRefine(demandOne("fields", "headers")),
});

function keep(end: "first" | "last") {
  return z
    .int()
    .min(0)
    .max(20)
    .default(0)
    .meta({
      description: `Characters that stay at the ${end}; none of a value that has no more. Default 0.`,
      example: 4,
    });
}

export { bodyTransform, destination, header, jsonXml, mask, query };
