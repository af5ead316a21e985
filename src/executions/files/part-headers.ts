import { AppError } from "../../platform/errors.ts";

/** What a part says of itself. */
export interface PartHeaders {
  readonly name: string;
  readonly fileName?: string;
  readonly type?: string;
}

// oxlint-disable-next-line no-control-regex
const headerLine = /^([!#$%&'*+.^_`|~\w-]+):([^\u0000-\u0008\u000a-\u001f\u007f]*)$/;
const parameter = /[ \t]*;[ \t]*(?:([!#$%&'*+.^_`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";]+)))?/y;
const extended = /^utf-8'[\w-]*'((?:[\w!#$&+.^`|~-]|%[\da-f]{2})*)$/i;
const formData = /^form-data/i;
/** Others would be stored as they are, which is not what the sender meant. */
const plainEncoding = /^(?:7bit|8bit|binary)$/i;

/** The header block of a part, from the CRLF before its first line. */
export function partHeadersOf(block: Uint8Array): PartHeaders {
  const lines = linesOf(block);
  const disposition = lines.get("content-disposition") ?? "";
  const parameters = formData.test(disposition) ? parametersOf(disposition.replace(formData, "")) : undefined;
  const name = parameters?.get("name");
  if (parameters === undefined || name === undefined) {
    throw invalid('A part must have one Content-Disposition: form-data; name="…".');
  }
  if (!plainEncoding.test(lines.get("content-transfer-encoding") ?? "binary")) {
    throw invalid("A part must come as it is, without Content-Transfer-Encoding.");
  }
  const fileName = fileNameOf(parameters);
  const type = lines.get("content-type");
  return {
    name: plain(name),
    ...(fileName === undefined ? {} : { fileName }),
    ...(type === undefined ? {} : { type }),
  };
}

/** The parameters behind the value of a header; nothing if they are malformed or one comes twice. */
export function parametersOf(text: string): Map<string, string> | undefined {
  const parameters = new Map<string, string>();
  parameter.lastIndex = 0;
  const { length } = text.trimEnd();
  for (let at = 0; at < length; at = parameter.lastIndex) {
    const [found, name, quoted, token] = parameter.exec(text) ?? [];
    if (found === undefined) return undefined;
    if (name === undefined) continue;
    if (parameters.has(name.toLowerCase())) return undefined;
    // Some browsers send paths of Windows as they are, so a backslash stands for itself before anything else.
    parameters.set(name.toLowerCase(), token ?? quoted!.replaceAll(/\\(["\\])/g, "$1"));
  }
  return parameters;
}

function linesOf(block: Uint8Array): Map<string, string> {
  const lines = new Map<string, string>();
  for (const line of textOf(block).split("\r\n").slice(1)) {
    const [, name, value] = headerLine.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw invalid("Each header of a part must be a name, a colon and a value, and end with CRLF.");
    }
    if (lines.has(name.toLowerCase())) throw invalid(`A part must not have two headers ${name}.`);
    lines.set(name.toLowerCase(), value.trim());
  }
  return lines;
}

function textOf(block: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(block);
  } catch {
    throw invalid("The headers of a part must be UTF-8.");
  }
}

function fileNameOf(parameters: ReadonlyMap<string, string>): string | undefined {
  const coded = parameters.get("filename*");
  const written = parameters.get("filename");
  if (coded === undefined) return written === undefined ? undefined : plain(written);
  try {
    return decodeURIComponent(extended.exec(coded)![1]!);
  } catch {
    throw invalid("filename* must be UTF-8'' and a name in percent-encoding (RFC 5987).");
  }
}

const named: Readonly<Record<string, string>> = { "%22": '"', "%0D": "\r", "%0A": "\n" };

/** The three characters that browsers percent-encode in a name, and no others. */
const plain = (text: string): string => text.replaceAll(/%(?:22|0D|0A)/gi, (code) => named[code.toUpperCase()]!);

const invalid = (detail: string): AppError => new AppError("INVALID_BODY", { detail });
