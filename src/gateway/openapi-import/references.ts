import { type DocumentPath, type Fault, fault, shown } from "../../platform/faults.ts";
import { isPlain, own, type Plain } from "./plain.ts";

const MOST_HOPS = 10;
const MOST_POINTER = 2000;

export type Resolved = { readonly item: Plain } | { readonly fault: Fault };

/**
 * The given keys of a path item and of what it refers to within the document; what stands beside the reference goes
 * first. Many may refer to one that is large, so no other key is looked at.
 */
export function resolved(document: Plain, item: Plain, path: DocumentPath, keys: readonly string[]): Resolved {
  const parts = [item];
  let last = item;
  for (let reference = own(last, "$ref"); reference !== undefined; reference = own(last, "$ref")) {
    const at = [...path, "$ref"];
    if (typeof reference !== "string") return { fault: fault("REF_INVALID", at, "A $ref is a text.") };
    if (!reference.startsWith("#")) {
      const message = `${shown(reference)} is outside of the document. Bundle all into one document.`;
      return { fault: fault("REF_EXTERNAL", at, message) };
    }
    const next = valueAt(document, reference);
    if (!isPlain(next)) return { fault: fault("REF_UNKNOWN", at, `${shown(reference)} is no object of the document.`) };
    if (parts.length > MOST_HOPS) {
      return { fault: fault("REF_CIRCLE", at, `${shown(reference)} leads to no path item.`) };
    }
    parts.push(next);
    last = next;
  }
  const found = keys.map((key) => [key, parts.map((part) => own(part, key)).find((value) => value !== undefined)]);
  return { item: Object.fromEntries(found) as Plain };
}

function valueAt(document: Plain, reference: string): unknown {
  if (reference.length > MOST_POINTER) return undefined;
  const pointer = decoded(reference.slice(1));
  if (pointer === "") return document;
  if (pointer?.startsWith("/") !== true) return undefined;
  const keys = pointer.slice(1).split("/");
  return keys.reduce<unknown>((value, key) => own(value, key.replaceAll("~1", "/").replaceAll("~0", "~")), document);
}

function decoded(fragment: string): string | undefined {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return undefined;
  }
}
