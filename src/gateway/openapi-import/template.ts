import { faultOfTemplate } from "../../apis/match.ts";

/** A path as the gateway has it, or the sentence that says why it has none. */
export type Fitted = { readonly path: string } | { readonly message: string };

/** A path template of OpenAPI. The gateway goes by the order of parameters, so their names may change. */
export function fitted(template: string): Fitted {
  if (!template.isWellFormed()) return { message: "A path holds half a character." };
  if (/[?#]/.test(template)) return { message: "A path has neither a query nor a fragment." };
  if (template.includes("*")) {
    return { message: "A * is no wildcard in OpenAPI. Add a resource such as /files/* by hand." };
  }
  const path = template
    .split("/")
    .map((segment) => (/^\{[^{}]+\}$/.test(segment) ? renamed(segment) : spelled(segment)))
    .join("/");
  const message = faultOfTemplate(path);
  return message === undefined ? { path } : { message };
}

/** Two paths of one shape match the same calls. */
export const shapeOf = (path: string): string =>
  path.replaceAll(/\{[^{}]*\}/g, "{}").replaceAll(/%[\da-f]{2}/gi, (code) => code.toUpperCase());

/** Characters that no path has are percent-encoded, and those that any path has are not. */
export const spelled = (path: string): string =>
  path
    .replaceAll(/%[\da-f]{2}/gi, (code) => {
      const character = String.fromCharCode(Number.parseInt(code.slice(1), 16));
      return /[\w.~-]/.test(character) ? character : code;
    })
    .replaceAll(/%(?![\da-f]{2})/gi, "%25")
    .replaceAll(/[^\w.~!$&'()+,;=:@%*{}/-]+/g, encodeURIComponent);

/** What is written with + stands for many segments where it is used, which no parameter does. */
function renamed(segment: string): string {
  if (segment.includes("+")) return segment;
  const name = segment.slice(1, -1).replaceAll(/[^\w.-]/g, "_");
  return `{${(/^[A-Za-z_]/.test(name) ? name : `_${name}`).slice(0, 100)}}`;
}
