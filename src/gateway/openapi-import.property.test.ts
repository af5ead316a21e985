import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";

import { compileRoutes, faultOfBase, faultsOfRoutes } from "../apis/match.ts";
import { Resource } from "../apis/model.ts";
import { faultOfDestination } from "../apis/path-params.ts";
import { importOpenApi } from "./openapi-import.ts";
import { fitted, shapeOf } from "./openapi-import/template.ts";

const read = (text: string) => importOpenApi(text, { mostBytes: 1024 * 1024 });

const word = fc.string({ unit: "grapheme", maxLength: 6 });
const parameter = fc
  .constantFrom("id", "user id", "$top", "7", "日", "a+", "*", "__proto__")
  .map((name) => `{${name}}`);
const segment = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom("a", "A", "b", "a-b", "a_b", "%61", "%2F", "all", "constructor", "__proto__"),
  },
  { weight: 3, arbitrary: parameter },
  { weight: 1, arbitrary: fc.tuple(parameter, word).map(([name, text]) => name + text) },
  { weight: 1, arbitrary: word },
);
const template = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join("/")}`);
const operationId = fc.option(fc.oneof(fc.constantFrom("get-a", "put-a-b", "one", "All"), word), { nil: undefined });
const operation = fc.record({ operationId, summary: fc.option(word, { nil: undefined }), responses: fc.constant({}) });
const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const item = fc.dictionary(fc.constantFrom(...methods, "x-more"), operation, { maxKeys: 4 });
const reference = fc.constantFrom({ $ref: "#/components/pathItems/one" }, { $ref: "#/components/pathItems/two" });
const variables = { host: { default: "a.example.com" }, base: { default: "v1" } };
const url = fc.oneof(
  fc.constantFrom("/", "/v1/", "https://{host}/{base}", "https://{host}:8443/", "wss://{host}/{base}", "{host}"),
  fc.webUrl({ withQueryParameters: true }),
  word,
);
const document = fc.record({
  openapi: fc.constantFrom("3.0.3", "3.1.0"),
  info: fc.record({ title: word.map((text) => `API ${text}`), description: word, version: word }),
  servers: fc.array(url.map((one) => ({ url: one, variables }))),
  paths: fc
    .array(fc.tuple(template, fc.oneof(item, reference)), { maxLength: 12 })
    .map((paths) => Object.fromEntries([...paths, ["/kept", { get: {} }]])),
  components: fc.record({
    pathItems: fc.record({ one: item, two: fc.constant({ $ref: "#/components/pathItems/one" }) }),
  }),
});

const idsOf = (paths: readonly string[]) => {
  const api = read(
    JSON.stringify({
      openapi: "3.1.0",
      info: { title: "a" },
      paths: Object.fromEntries(paths.map((path) => [path, { get: {} }])),
    }),
  );
  return api.ok ? Object.fromEntries(api.resources.map(({ path, ...rest }) => [path, rest])) : undefined;
};

describe("whatever the document is", () => {
  it("is imported as the gateway takes it, and all that is left out is told", () => {
    let changed = 0;
    const good = fc.property(document, (one) => {
      const api = read(JSON.stringify(one));
      if (!api.ok) throw new Error(JSON.stringify(api.faults));
      expect(faultsOfRoutes(api.resources)).toEqual([]);
      expect(Resource.array().parse(api.resources)).toEqual(api.resources);
      expect(faultOfBase(api.basePath)).toBeUndefined();
      const address = api.destination?.url;
      expect(address === undefined ? undefined : faultOfDestination(address, { kind: "path" })).toBeUndefined();
      for (const ids of [api.resources, api.resources.flatMap(({ operations }) => operations)]) {
        expect(new Set(ids.map(({ id }) => id)).size).toBe(ids.length);
        for (const { id } of ids) expect(id).toMatch(/^(?!all$)[a-z][\w.-]*$/i);
      }
      const told = new Set(api.warnings.map(({ pointer }) => pointer));
      for (const path of Object.keys(one.paths)) {
        const pointer = `/paths/${path.replaceAll("~", "~0").replaceAll("/", "~1")}`;
        const isThere = api.resources.some((resource) => resource.path === path);
        expect(isThere || told.has(pointer) || told.size > 200).toBe(true);
        if (!isThere) changed += 1;
      }
    });
    fc.assert(good, { numRuns: 1000 });
    expect(changed).toBeGreaterThan(500);
  });

  it("YAML and JSON say the same", () => {
    const same = fc.property(document, (one) => {
      const json = JSON.stringify(one);
      const yaml = stringify(JSON.parse(json), { aliasDuplicateObjects: false });
      expect(read(yaml)).toEqual(read(json));
    });
    fc.assert(same, { numRuns: 300 });
  });

  it("an id belongs to its path in any order", () => {
    const templates = fc.uniqueArray(template, {
      minLength: 2,
      maxLength: 12,
      selector: (path) => {
        const fit = fitted(path);
        return "path" in fit ? shapeOf(fit.path) : "";
      },
    });
    const shuffled = templates.chain((paths) =>
      fc.tuple(fc.constant(paths), fc.shuffledSubarray(paths, { minLength: paths.length })),
    );
    const same = fc.property(shuffled, ([one, other]) => {
      expect(idsOf(other)).toEqual(idsOf(one));
    });
    fc.assert(same, { numRuns: 500 });
  });

  it("every literal path is found where it was written", () => {
    const found = fc.property(document, (one) => {
      const api = read(JSON.stringify(one));
      if (!api.ok) throw new Error("refused");
      const match = compileRoutes(api.resources);
      for (const resource of api.resources) {
        if (/[{}]/.test(resource.path) || resource.operations.length === 0) continue;
        expect(match(resource.operations[0]!.method, resource.path)?.resource).toBe(resource);
      }
    });
    fc.assert(found, { numRuns: 300 });
  });
});

describe("whatever else is sent", () => {
  it("gets an answer with at least one fault, or an API", () => {
    const key = fc.constantFrom(
      "openapi",
      "info",
      "title",
      "paths",
      "/a",
      "get",
      "$ref",
      "servers",
      "url",
      "__proto__",
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom("3.1.0", "#/paths/~1a", "#", "/"),
        fc.jsonValue({ maxDepth: 1 }),
        tie("object"),
        tie("list"),
      ),
      list: fc.array(tie("value"), { maxLength: 2 }),
      object: fc.array(fc.tuple(key, tie("value")), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
    }));
    const sound = { openapi: "3.1.0", info: { title: "a" }, paths: { "/a": { get: {} } } };
    const broken = fc
      .tuple(fc.constantFrom(...Object.keys(sound)), value)
      .map(([at, other]) => ({ ...sound, [at]: other }));
    const text = fc.oneof(
      fc.oneof(value, broken).map((one) => JSON.stringify(one)),
      fc.string({ unit: "binary" }),
      fc
        .array(
          fc.constantFrom(
            "a",
            ":",
            " ",
            "\n",
            "- ",
            "[",
            "]",
            "{",
            "}",
            ",",
            "&a ",
            "*a",
            "!",
            "|",
            ">",
            "'",
            '"',
            "?",
            "#",
            "---",
            "%YAML 1.1\n",
            "<<",
            "\t",
          ),
          { maxLength: 30 },
        )
        .map((parts) => parts.join("")),
    );
    const answered = fc.property(text, (one) => {
      const answer = read(one);
      expect(answer.ok || answer.faults.length > 0).toBe(true);
    });
    fc.assert(answered, { numRuns: 3000 });
  });
});
