import { readXml } from "./events.ts";
import { MOST_DEPTH, MOST_NODES, type Naming } from "./naming.ts";

type Node = Record<string, unknown>;

interface Open {
  readonly name: string;
  readonly node: Node;
  hasChildren: boolean;
  text: string;
}

/**
 * An element as JSON: its text, or an object of its attributes, its children by name, and its text. What comes several
 * times is a list. Prefixes are part of names. Throws XmlFault.
 */
export function xmlToJson(text: string, { attributePrefix, textKey }: Naming): unknown {
  const open: Open[] = [];
  // Without a prototype, so that an element may have any name.
  const top = Object.create(null) as Node;
  let nodes = 0;
  readXml(text, (parser, fault) => {
    const count = (): void => {
      nodes += 1;
      if (nodes > MOST_NODES) throw fault(`It has more than ${MOST_NODES} elements and attributes.`);
    };
    parser.on("opentagstart", ({ name }) => {
      count();
      const within = open.at(-1);
      if (within !== undefined) within.hasChildren = true;
      open.push({ name, node: Object.create(null) as Node, hasChildren: false, text: "" });
      if (open.length > MOST_DEPTH) throw fault(`It is deeper than ${MOST_DEPTH} elements.`);
    });
    parser.on("attribute", ({ name, value }) => {
      count();
      put(open.at(-1)!.node, attributePrefix + name, value);
    });
    parser.on("text", (characters) => hear(open, characters));
    parser.on("cdata", (characters) => hear(open, characters));
    parser.on("closetag", () => {
      const closed = open.pop()!;
      put(open.at(-1)?.node ?? top, closed.name, valueOf(closed, textKey));
    });
  });
  return top;
}

function hear(open: readonly Open[], characters: string): void {
  const within = open.at(-1);
  if (within !== undefined) within.text += characters;
}

/** Spaces between children are layout, and those of an element that has none are its text. */
function valueOf({ node, hasChildren, text }: Open, textKey: string): unknown {
  const isObject = hasChildren || Object.keys(node).length > 0;
  if (!isObject) return text;
  const isText = hasChildren ? /[^ \t\r\n]/.test(text) : text !== "";
  if (isText) put(node, textKey, text);
  return node;
}

function put(node: Node, name: string, value: unknown): void {
  const held = node[name];
  if (held === undefined) node[name] = value;
  else if (Array.isArray(held)) held.push(value);
  else node[name] = [held, value];
}
