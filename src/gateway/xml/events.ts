import { SaxesParser } from "saxes";

/** Why XML is not taken, and in which line. Tells nothing of what stands there. */
export class XmlFault extends Error {
  override readonly name = "XmlFault";
}

export type Parser = SaxesParser<{ xmlns: false }>;

/** Another one would be read by us in one way and by whoever comes behind us in another. */
const plain = /^(?:utf-?8|us-ascii)$/i;

/** Reads XML with nothing expanded but the five entities of XML itself; a document type is a fault. */
export function readXml(text: string, hear: (parser: Parser, fault: (message: string) => XmlFault) => void): void {
  const parser = new SaxesParser({ xmlns: false as const, position: true });
  const fault = (message: string): XmlFault => new XmlFault(`${message} Line ${parser.line}.`);
  parser.on("error", () => {
    throw fault("It is not well formed.");
  });
  parser.on("doctype", () => {
    throw fault("A document type is not taken.");
  });
  parser.on("xmldecl", ({ encoding }) => {
    if (encoding !== undefined && !plain.test(encoding)) throw fault("Its encoding is not UTF-8.");
  });
  hear(parser, fault);
  parser.write(text).close();
}
