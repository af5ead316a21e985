/** As much of an OpenAPI document as its tests look at. */
export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly description?: string;
  readonly schema: Schema;
}

export interface Content {
  readonly description?: string;
  readonly content?: Readonly<Record<string, MediaType>>;
}

interface MediaType {
  readonly schema: Schema;
  readonly example?: unknown;
  examples?: Record<string, { readonly value: unknown }>;
}

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly example?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

/** Every operation under its method and path. */
export const operationsOf = (document: Document): [string, Operation][] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );

/** Every `$ref`, wherever it stands. */
export function refsOf(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "$ref" && typeof inner === "string" ? [inner] : refsOf(inner),
  );
}

/** What a reference leads to; undefined if nothing. */
export function resolve(document: Document, ref: string): unknown {
  if (!ref.startsWith("#/")) return undefined;
  const keys = ref
    .slice(2)
    .split("/")
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  return keys.reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined),
    document,
  );
}

interface Place {
  readonly name: string;
  readonly schema: Schema;
  /** Whether it is a property, a parameter or a component, and not an item or an alternative of one. */
  readonly named: boolean;
}

/** A schema and all schemas inside it, as far as it spells them out itself. An example speaks for all that is inside. */
function within(place: Place): Place[] {
  const { name, schema } = place;
  const properties = Object.entries(schema.properties ?? {}).map(([key, inner]) => ({
    name: `${name}.${key}`,
    schema: inner,
    named: true,
  }));
  const parts = [
    ...(schema.items === undefined ? [] : [schema.items]),
    ...(typeof schema.additionalProperties === "object" ? [schema.additionalProperties] : []),
    ...(schema.oneOf ?? []),
    ...(schema.anyOf ?? []),
    ...(schema.allOf ?? []),
  ].map((inner) => ({ name: `${name}[]`, schema: inner, named: false }));
  return [place, ...[...properties, ...parts].flatMap(within)];
}

/** Every schema of the document. */
function placesOf(document: Document): Place[] {
  const components = Object.entries(document.components.schemas);
  const parameters = operationsOf(document).flatMap(([operation, { parameters: all = [] }]) =>
    all.map((parameter): [string, Schema] => [`${operation} ${parameter.name}`, parameter.schema]),
  );
  const bodies = operationsOf(document).flatMap(([operation, { requestBody, responses }]) =>
    [["request", requestBody] as const, ...Object.entries(responses)].flatMap(([status, body]) =>
      Object.values(body?.content ?? {}).map(({ schema }): [string, Schema] => [`${operation} ${status}`, schema]),
    ),
  );
  return [
    ...[...components, ...parameters].flatMap(([name, schema]) => within({ name, schema, named: true })),
    ...bodies.flatMap(([name, schema]) => within({ name, schema, named: false })),
  ];
}

const meantBy = (document: Document, schema: Schema): Schema =>
  schema.$ref === undefined ? schema : { ...(resolve(document, schema.$ref) as Schema), ...schema };

/** The properties, parameters and components that do not say what they are. */
export const descriptionsMissing = (document: Document): string[] =>
  placesOf(document)
    .filter(({ named, schema }) => named && !meantBy(document, schema).description)
    .map(({ name }) => name);

const isLeaf = ({ type, properties, items, oneOf, anyOf, allOf }: Schema): boolean =>
  type !== "object" && type !== "array" && [properties, items, oneOf, anyOf, allOf].every((part) => part === undefined);

/** The properties and parameters that hold a plain value and show none. */
export function examplesMissing(document: Document): string[] {
  const places = placesOf(document);
  const shown = new Set(places.filter(({ schema }) => "example" in schema).map(({ name }) => name));
  const spokenFor = (name: string): boolean => shown.has(name) || (name.endsWith("[]") && spokenFor(name.slice(0, -2)));
  return places
    .filter(({ schema }) => isLeaf(meantBy(document, schema)))
    .filter(({ name, schema }) => !("example" in meantBy(document, schema)) && !spokenFor(name))
    .map(({ name }) => name);
}
