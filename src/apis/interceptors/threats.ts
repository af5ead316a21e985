import { z } from "zod";

import { everywhere, interceptor, onRequest } from "./interceptor.ts";

const limit = (description: string, preset: number) =>
  z
    .int()
    .min(-1)
    .max(10_000_000)
    .default(preset)
    .meta({ description: `${description} -1: as many as there are. Default ${preset}.`, example: preset });

const jsonThreat = interceptor({
  type: "jsonThreat",
  category: "security",
  description: "Refuses JSON bodies (400) that are no JSON, or above a limit. Bodies of other types pass.",
  stages: onRequest,
  scopes: everywhere,
  needsBody: () => "request",
  config: z.strictObject({
    maxDepth: limit("Objects and lists within one another.", 100),
    maxEntries: limit("Entries of an object.", 100),
    maxItems: limit("Items of a list.", 100),
    maxNameLength: limit("Characters of a name.", 100),
    maxValueLength: limit("Characters of a text.", 500),
  }),
});

const xmlThreat = interceptor({
  type: "xmlThreat",
  category: "security",
  description:
    "Refuses XML bodies (400) that are no XML, have a document type, or are above a limit. Bodies of other types pass.",
  stages: onRequest,
  scopes: everywhere,
  needsBody: () => "request",
  config: z.strictObject({
    maxDepth: limit("Elements within one another.", 100),
    maxElements: limit("Elements in all.", 10_000),
    maxChildren: limit("Children of an element.", 1000),
    maxAttributes: limit("Attributes of an element.", 100),
    maxNamespaces: limit("Namespaces that an element declares.", 10),
    maxElementName: limit("Characters of an element's name.", 100),
    maxAttributeName: limit("Characters of an attribute's name.", 100),
    maxPrefixName: limit("Characters of a namespace's prefix.", 50),
    maxTargetName: limit("Characters of a processing instruction's target.", 50),
    maxValueLength: limit("Characters of a text, an attribute or a comment.", 10_000),
  }),
});

export { jsonThreat, xmlThreat };
