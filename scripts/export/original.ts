/** What the original's database keeps of a flow or template, as `mongoimport` takes it (extended JSON, relaxed). */

type Entry = Readonly<Record<string, unknown>>;

const before = ["name", "description", "graph", "type", "tenant", "owners", "status", "cron"] as const;
const nodeKeys = ["id", "componentId", "function", "name", "credentials_id", "description", "fields", "nodeSettings"];
const edgeKeys = ["id", "config", "source", "target"];

/** Extra keys that nodes of templates have. */
const ofTemplates = ["tenant", "authorization"];

export type Collection = "flows" | "flowTemplates";

/** The document of one line; undefined if the original has nothing like it. */
export function originalOf(line: Entry, collection: Collection): Entry | undefined {
  const { graph } = line;
  if (!isEntry(graph) || (line["kind"] ?? "integration") !== "integration") return undefined;
  const link = collection === "flows" ? "fromTemplate" : "sourceTemplate";
  return {
    _id: idOf(line["id"]),
    ...picked({ ...line, graph: graphOf(graph, collection) }, before),
    ...picked({ [link]: idOf(line[link]), flowSettings: line["flowSettings"] }, [link, "flowSettings"]),
    createdAt: { $date: line["createdAt"] },
    updatedAt: { $date: line["updatedAt"] },
    __v: 0,
  };
}

function graphOf({ nodes, edges }: Entry, collection: Collection): Entry {
  const keys = collection === "flows" ? nodeKeys : [...nodeKeys, ...ofTemplates];
  return {
    nodes: entriesIn(nodes).map((node) => {
      const { componentId, credentials_id: secret } = node;
      return picked({ ...node, componentId: idOf(componentId), credentials_id: idOf(secret) }, keys);
    }),
    edges: entriesIn(edges).map((edge) => {
      const { config } = edge;
      return picked(isEntry(config) ? { ...edge, config: picked(config, ["condition", "mapper"]) } : edge, edgeKeys);
    }),
  };
}

/** An id where it is one; what else stands there, such as a component that is built in, is left as it is. */
const idOf = (value: unknown): unknown =>
  typeof value === "string" && /^[0-9a-f]{24}$/.test(value) ? { $oid: value } : value;

const isEntry = (value: unknown): value is Entry =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const entriesIn = (value: unknown): Entry[] => (Array.isArray(value) ? value.filter(isEntry) : []);

const picked = (from: Entry, keys: readonly string[]): Entry =>
  Object.fromEntries(keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]));
