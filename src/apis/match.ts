import { comparable, isPlain, plainSpelling } from "./spelling.ts";

/**
 * Paths are compared as they were sent: case counts, `//` counts (an empty segment is no value), and so does a slash at
 * the end, as in Hono. The path alone chooses the resource; a method that is not on it goes to no other resource, past
 * whose interceptors it would go.
 */

export { comparable, isPlain, partsOfUrl } from "./spelling.ts";

export interface Resource {
  /** `/orders/{id}/files/*`: literal segments, parameters, and at the end perhaps a wildcard. */
  readonly path: string;
  readonly operations: readonly { readonly method: string }[];
}

export interface RouteFault {
  /** Of the resource or API. */
  readonly index: number;
  /** Of the operation of that resource, if the fault is there. */
  readonly operation?: number;
  readonly message: string;
}

export interface Match<R extends Resource> {
  readonly resource: R;
  /** Undefined if the resource has none for the method: 405, or for OPTIONS a matter of CORS. */
  readonly operation: R["operations"][number] | undefined;
  /** Of the parameters from left to right as they were sent, then of the wildcard: it has slashes and may be empty. */
  readonly values: readonly string[];
  /** For the header Allow. */
  readonly allowed: readonly string[];
}

export type Matcher<R extends Resource> = (method: string, path: string) => Match<R> | undefined;

/** What a resource gives a destination. */
export interface Received {
  readonly values: number;
  /** Whether the last value is that of a wildcard. */
  readonly wildcard: boolean;
}

interface Node<T> {
  readonly literals: Map<string, Node<T>>;
  parameter: Node<T> | undefined;
  here: T | undefined;
  wildcard: T | undefined;
}

interface Leaf<R extends Resource> {
  readonly resource: R;
  readonly operations: ReadonlyMap<string, R["operations"][number]>;
  readonly allowed: readonly string[];
  /** At which segments of a path the values stand. */
  readonly parameters: readonly number[];
  /** At which segment the wildcard begins. */
  readonly rest: number | undefined;
}

const MOST_CHARACTERS = 2000;
const parameter = /^\{[A-Za-z_][\w.-]{0,99}\}$/;
const literal = /^(?:[\w.~!$&'()+,;=:@-]|%[\dA-Fa-f]{2})*$/;
const dots = /^(?:\.|%2e){1,2}(?:;.*)?$/i;
const token = /^[\w!#$%&'*+.^`|~-]{1,40}$/;

const sentences = {
  slash: "A path begins with a slash, such as /orders/{id}.",
  long: `A path has at most ${MOST_CHARACTERS} characters.`,
  empty: "A path has no empty segment but the last. Write one slash in place of two.",
  dots: "A path has no segment . or .., plain or encoded.",
  wildcard: "A wildcard is the whole last segment, such as /files/*.",
  parameter: "A parameter is a whole segment, such as {id}: a letter or _ first, then letters, digits and . _ -.",
  literal: "A path holds a character that no path has. Write it percent-encoded, as in /stra%C3%9Fe.",
  spelling: "A path holds a letter, a digit or one of - . _ ~ percent-encoded. Write it plainly.",
  base: "A base path has neither parameters nor a wildcard.",
  end: "A base path does not end in a slash.",
} as const;

/** What keeps a path template from being one. With `open`, empty segments may stand anywhere. */
export function faultOfTemplate(template: string, open = false): string | undefined {
  if (!template.startsWith("/")) return sentences.slash;
  if (template.length > MOST_CHARACTERS) return sentences.long;
  const segments = segmentsOf(template);
  const last = segments.length - 1;
  for (const [at, segment] of segments.entries()) {
    const sentence = faultOfSegment(segment, at === last, open);
    if (sentence !== undefined) return sentences[sentence];
  }
  return undefined;
}

function faultOfSegment(segment: string, isLast: boolean, open: boolean): keyof typeof sentences | undefined {
  if (segment === "") return isLast || open ? undefined : "empty";
  if (/[{}]/.test(segment)) return parameter.test(segment) ? undefined : "parameter";
  if (segment.includes("*")) return isLast && segment === "*" ? undefined : "wildcard";
  if (dots.test(segment)) return "dots";
  if (plainSpelling(segment) !== segment) return "spelling";
  return literal.test(segment) ? undefined : "literal";
}

/** What keeps resources from being those of one API, each fault with the place where it is. */
export function faultsOfRoutes(resources: readonly Resource[]): RouteFault[] {
  const shapes = new Map<string, number>();
  return resources.flatMap(({ path, operations }, index) => {
    const message = faultOfTemplate(path) ?? faultOfShape(shapes, path, index);
    const ofPath = message === undefined ? [] : [{ index, message }];
    return [...ofPath, ...faultsOfMethods(operations).map((fault) => ({ index, ...fault }))];
  });
}

/** Parameters' names are not part of it: the gateway goes by their order. */
function faultOfShape(shapes: Map<string, number>, path: string, index: number): string | undefined {
  const shape = segmentsOf(path)
    .map((segment) => (isParameter(segment) ? "{}" : comparable(segment)))
    .join("/");
  const other = shapes.get(shape);
  if (other === undefined) shapes.set(shape, index);
  return other === undefined
    ? undefined
    : `The path matches what that of resource ${other} does. Put their operations together.`;
}

function faultsOfMethods(operations: Resource["operations"]): { operation: number; message: string }[] {
  const seen = new Set<string>();
  return operations.flatMap(({ method }, operation) => {
    const name = method.toUpperCase();
    if (!token.test(name)) return [{ operation, message: "The method is none. Use one such as GET or POST." }];
    if (seen.has(name)) return [{ operation, message: `The resource has ${name} twice. Leave one of them out.` }];
    seen.add(name);
    return [];
  });
}

/** How many values a call of a resource brings. */
export function receivedBy(path: string): Received {
  const segments = segmentsOf(path);
  const wildcard = segments.at(-1) === "*";
  return { values: segments.filter(isParameter).length + (wildcard ? 1 : 0), wildcard };
}

/**
 * Finds the resource and operation of a call: segment by segment, a literal before a parameter before a wildcard, with
 * the way back where the first choice leads nowhere. Costs the length of the path, however many resources there are.
 */
export function compileRoutes<R extends Resource>(resources: readonly R[]): Matcher<R> {
  const [fault] = faultsOfRoutes(resources);
  if (fault !== undefined) throw new TypeError(`Resource ${fault.index}: ${fault.message}`);
  const root = newNode<Leaf<R>>();
  for (const resource of resources) plant(root, resource);
  return (method, path) => {
    if (!isPlain(path)) return undefined;
    const segments = segmentsOf(path);
    const leaf = descend(root, segments, 0);
    if (leaf === undefined) return undefined;
    if (isOdd(path) && isTakenElsewhere(root, path, leaf)) return undefined;
    const { resource, operations, allowed } = leaf;
    const operation = operations.get(method) ?? (method === "HEAD" ? operations.get("GET") : undefined);
    return { resource, operation, values: valuesIn(segments, leaf), allowed };
  };
}

function plant<R extends Resource>(root: Node<Leaf<R>>, resource: R): void {
  const segments = segmentsOf(resource.path);
  const isWild = segments.at(-1) === "*";
  const operations = new Map(resource.operations.map((one) => [one.method.toUpperCase(), one] as const));
  const methods = new Set([...operations.keys(), ...(operations.has("GET") ? ["HEAD"] : [])]);
  const leaf = {
    resource,
    operations,
    allowed: [...methods].toSorted(),
    parameters: segments.flatMap((segment, at) => (isParameter(segment) ? [at] : [])),
    rest: isWild ? segments.length - 1 : undefined,
  };
  const node = nodeAt(root, isWild ? segments.slice(0, -1) : segments);
  if (isWild) node.wildcard = leaf;
  else node.here = leaf;
}

function nodeAt<T>(root: Node<T>, segments: readonly string[]): Node<T> {
  let node = root;
  for (const segment of segments) {
    if (isParameter(segment)) node = node.parameter ??= newNode();
    else {
      const name = comparable(segment);
      const next = node.literals.get(name) ?? newNode<T>();
      node.literals.set(name, next);
      node = next;
    }
  }
  return node;
}

/** Goes through no node twice, so at the worst through all that are as deep as the path is long. */
function descend<T>(node: Node<T>, segments: readonly string[], at: number): T | undefined {
  const segment = segments[at];
  if (segment === undefined) return node.here;
  const named = node.literals.get(comparable(segment));
  const found = named === undefined ? undefined : descend(named, segments, at + 1);
  if (found !== undefined) return found;
  const any = node.parameter === undefined || segment === "" ? undefined : descend(node.parameter, segments, at + 1);
  return any ?? node.wildcard;
}

function valuesIn<R extends Resource>(segments: readonly string[], { parameters, rest }: Leaf<R>): string[] {
  const values = parameters.map((at) => segments[at]!);
  if (rest !== undefined) values.push(segments.slice(rest).join("/"));
  return values;
}

/** Why a base path cannot be one, or which other API has it; an API at `/` takes what no other one does. */
export function faultsOfBases(apis: readonly { readonly basePath: string }[]): RouteFault[] {
  const seen = new Map<string, number>();
  return apis.flatMap(({ basePath }, index) => {
    const fault = faultOfBase(basePath);
    const key = comparable(basePath);
    const other = seen.get(key);
    if (other === undefined) seen.set(key, index);
    const message = fault ?? (other === undefined ? undefined : `The base path is that of API ${other}.`);
    return message === undefined ? [] : [{ index, message }];
  });
}

export function faultOfBase(basePath: string): string | undefined {
  if (basePath === "/") return undefined;
  if (/[{}*]/.test(basePath)) return sentences.base;
  return faultOfTemplate(basePath) ?? (basePath.endsWith("/") ? sentences.end : undefined);
}

/** Finds the API with the longest base path that begins a path in whole segments, and what follows it. */
export function compileBases<A extends { readonly basePath: string }>(
  apis: readonly A[],
): (path: string) => { api: A; rest: string } | undefined {
  const [fault] = faultsOfBases(apis);
  if (fault !== undefined) throw new TypeError(`API ${fault.index}: ${fault.message}`);
  const root = newNode<A>();
  for (const api of apis) nodeAt(root, api.basePath === "/" ? [] : segmentsOf(api.basePath)).here = api;
  return (path) => {
    const found = baseOf(root, path);
    if (found === undefined) return undefined;
    const plain = plainSpelling(path);
    return plain === path || baseOf(root, plain)?.api === found.api ? found : undefined;
  };
}

function baseOf<A>(root: Node<A>, path: string): { api: A; rest: string } | undefined {
  let found = root.here === undefined ? undefined : { api: root.here, rest: path };
  let node: Node<A> | undefined = root;
  for (let from = 1; from <= path.length;) {
    const slash = path.indexOf("/", from);
    const end = slash === -1 ? path.length : slash;
    node = node.literals.get(comparable(path.slice(from, end)));
    if (node === undefined) break;
    if (node.here !== undefined) found = { api: node.here, rest: path.slice(end) };
    from = end + 1;
  }
  return found;
}

/** Whether servers may read a path in different ways. */
const isOdd = (path: string): boolean => /[%;\u0080-\uffff]|\/\/|.\/$/.test(path);

/**
 * Whether a server behind us may take a path for another resource, past whose interceptors it would go: servers undo
 * encodings, and some leave out ;parameters, empty segments or the slash at the end.
 */
function isTakenElsewhere<R extends Resource>(root: Node<Leaf<R>>, path: string, leaf: Leaf<R>): boolean {
  const plain = plainSpelling(path.replaceAll(/[\u0080-\uffff]+/g, (text) => encodeURI(text.toWellFormed())));
  if (plain !== path && descend(root, segmentsOf(plain), 0) !== leaf) return true;
  // What is meant letter by letter is meant so.
  if (leaf.rest === undefined && leaf.parameters.length === 0) return false;
  const bare = plain.replaceAll(/;[^/]*/g, "").replaceAll(/\/{2,}/g, "/");
  return [bare, bare.replace(/(.)\/$/, "$1")].some((other) => {
    const found = descend(root, segmentsOf(other), 0);
    return found !== undefined && found !== leaf;
  });
}

const newNode = <T>(): Node<T> => ({ literals: new Map(), parameter: undefined, here: undefined, wildcard: undefined });
/** The root of an API has one spelling with a slash and one without. */
const segmentsOf = (path: string): string[] => path.slice(1).split("/");
const isParameter = (segment: string): boolean => segment.startsWith("{");
