import { pointerOf } from "../flows/findings.ts";
import { type Fault, fault, shown, warning } from "../platform/faults.ts";
import { slugOf } from "./openapi-import/ids.ts";
import { isPlain, own, type Plain, textAt } from "./openapi-import/plain.ts";
import { readDocument } from "./openapi-import/read.ts";
import { type ImportedResource, resourcesOf } from "./openapi-import/resources.ts";
import { serverOf } from "./openapi-import/server.ts";

export type { ImportedOperation, ImportedResource } from "./openapi-import/resources.ts";

export interface ImportWarning {
  /** JSON pointer into the document. */
  readonly pointer: string;
  readonly message: string;
}

export interface ImportFault extends ImportWarning {
  readonly code: string;
}

export interface ImportedApi {
  readonly ok: true;
  readonly name: string;
  readonly basePath: string;
  readonly description?: string;
  readonly resources: readonly ImportedResource[];
  readonly destination?: { readonly url: string };
  /** What the document says and the API does not. */
  readonly warnings: readonly ImportWarning[];
}

export type OpenApiImport = ImportedApi | { readonly ok: false; readonly faults: readonly ImportFault[] };

const MOST_NAME = 200;
const MOST_DESCRIPTION = 10_000;
const MOST_TOLD = 200;

/** Makes the resources and operations of an API from an OpenAPI 3 document, in JSON or YAML. */
export function importOpenApi(text: string, { mostBytes }: { mostBytes: number }): OpenApiImport {
  const read = readDocument(text, mostBytes);
  if (!read.ok) return refused([read.fault]);
  const document = read.value;
  if (!isPlain(document)) return refused([fault("NOT_AN_OBJECT", [], "The document is no object with openapi in it.")]);
  const version = faultOfVersion(document);
  if (version !== undefined) return refused([version]);
  const title = textAt(own(document, "info"), "title", MOST_NAME);
  const { resources, findings } = resourcesOf(document);
  const faults = [...(title === undefined ? [noTitle] : []), ...findings.filter(isFault)];
  if (title === undefined || faults.length > 0) return refused(faults);
  const description = textAt(own(document, "info"), "description", MOST_DESCRIPTION);
  const { basePath, destination, findings: ofServer } = serverOf(document, `/${slugOf(title)}`);
  return {
    ok: true,
    name: title,
    basePath,
    ...(description === undefined ? {} : { description }),
    resources,
    ...(destination === undefined ? {} : { destination }),
    warnings: told([...ofServer, ...warningsOf(document), ...findings]).map(({ pointer, message }) => ({
      pointer,
      message,
    })),
  };
}

const noTitle = fault("TITLE_REQUIRED", ["info", "title"], "The document needs a title. The API is called by it.");
const isFault = ({ warning: isWarning }: Fault): boolean => isWarning !== true;
const refused = (faults: readonly Fault[]): OpenApiImport => ({ ok: false, faults: told(faults) });

/** As many as somebody reads, and how many there are besides. */
function told(findings: readonly Fault[]): ImportFault[] {
  const said = findings
    .slice(0, MOST_TOLD)
    .map(({ code, path, message }) => ({ code, pointer: pointerOf(path), message }));
  const rest = findings.length - said.length;
  return rest === 0 ? said : [...said, { code: "AND_MORE", pointer: "", message: `And ${rest} more of such places.` }];
}

function faultOfVersion(document: Plain): Fault | undefined {
  if (Object.hasOwn(document, "swagger")) {
    const message = "This is a document of Swagger 2.0. Convert it to OpenAPI 3 with a tool such as swagger2openapi.";
    return fault("SWAGGER_UNSUPPORTED", ["swagger"], message);
  }
  const version = own(document, "openapi");
  if (typeof version === "string" && /^3\.[01]\.\d+(?:-[\w.]+)?$/.test(version)) return undefined;
  const path = version === undefined ? [] : ["openapi"];
  if (typeof version !== "string") {
    return fault("VERSION_REQUIRED", path, 'openapi is the version of OpenAPI as a text, such as "3.1.0".');
  }
  return fault("VERSION_UNSUPPORTED", path, `OpenAPI ${shown(version)} is not taken. Use a version of 3.0 or 3.1.`);
}

function warningsOf(document: Plain): Fault[] {
  const webhooks = own(document, "webhooks");
  const security = own(document, "security");
  return [
    ...(isPlain(webhooks) && Object.keys(webhooks).length > 0
      ? [warning("WEBHOOKS", ["webhooks"], "Webhooks are calls to others. They were left out.")]
      : []),
    ...(Array.isArray(security) && security.length > 0
      ? [warning("SECURITY", ["security"], "What calls must show is not taken over. Add interceptors that check it.")]
      : []),
  ];
}
