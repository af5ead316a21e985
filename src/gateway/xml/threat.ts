import type { ConfigOf } from "../../apis/interceptors.ts";
import { readXml, XmlFault } from "./events.ts";

export type XmlLimits = ConfigOf<"xmlThreat">;

/** Why XML is refused; undefined if it is XML and within all limits. */
export function xmlFinding(text: string, limits: XmlLimits): XmlFault | undefined {
  try {
    guard(text, limits);
    return undefined;
  } catch (found) {
    if (found instanceof XmlFault) return found;
    throw found;
  }
}

/** What is counted of an element while it is open. */
interface Open {
  children: number;
  text: number;
}

/** Counts what comes by; nothing is kept of it but counts. */
function guard(text: string, limits: XmlLimits): void {
  readXml(text, (parser, fault) => {
    const open: Open[] = [];
    let elements = 0;
    let attributes = 0;
    let namespaces = 0;
    const demand = (count: number, limit: keyof XmlLimits): void => {
      if (limits[limit] < 0 || count <= limits[limit]) return;
      throw fault(`It is above ${limit}, which is ${limits[limit]}.`);
    };
    const value = (characters: string): void => demand(characters.length, "maxValueLength");
    /** What comes in pieces, with comments or entities between them, is one text. */
    const piece = (characters: string): void => {
      const within = open.at(-1);
      if (within === undefined) return;
      within.text += characters.length;
      demand(within.text, "maxValueLength");
    };
    parser.on("opentagstart", ({ name }) => {
      const within = open.at(-1);
      if (within !== undefined) {
        within.children += 1;
        within.text = 0;
        demand(within.children, "maxChildren");
      }
      elements += 1;
      attributes = 0;
      namespaces = 0;
      open.push({ children: 0, text: 0 });
      demand(open.length, "maxDepth");
      demand(elements, "maxElements");
      const [prefix, local] = qualified(name);
      demand(prefix.length, "maxPrefixName");
      demand(local.length, "maxElementName");
    });
    parser.on("attribute", ({ name, value: held }) => {
      const [prefix, local] = qualified(name);
      const declares = prefix === "xmlns" || name === "xmlns";
      if (declares) {
        namespaces += 1;
        demand(namespaces, "maxNamespaces");
        if (prefix === "xmlns") demand(local.length, "maxPrefixName");
      } else {
        attributes += 1;
        demand(attributes, "maxAttributes");
        demand(prefix.length, "maxPrefixName");
        demand(local.length, "maxAttributeName");
      }
      value(held);
    });
    parser.on("closetag", () => {
      open.pop();
      const within = open.at(-1);
      if (within !== undefined) within.text = 0;
    });
    parser.on("text", piece);
    parser.on("cdata", piece);
    parser.on("comment", value);
    parser.on("processinginstruction", ({ target }) => demand(target.length, "maxTargetName"));
  });
}

function qualified(name: string): readonly [prefix: string, local: string] {
  const colon = name.indexOf(":");
  return colon < 0 ? ["", name] : [name.slice(0, colon), name.slice(colon + 1)];
}
