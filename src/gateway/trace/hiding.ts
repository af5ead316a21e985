import type { ConfigOf, InterceptorType } from "../../apis/interceptors.ts";
import { compilePaths, type JsonPaths } from "../json-paths.ts";

/** What a log obfuscation hides. */
export type Hiding =
  | { readonly location: "header" | "query"; readonly names: ReadonlySet<string>; readonly replacement: string }
  | {
      readonly location: "body";
      readonly pattern: string | undefined;
      readonly fields: JsonPaths | undefined;
      readonly replacement: string;
    }
  /** Its settings cannot be read, so nobody knows what must not be seen. */
  | { readonly location: "everything" };

/** What an interceptor hides by standing in the chain; its config is undefined if it cannot be read. */
export function hidingOf(type: InterceptorType, config: unknown): Hiding | undefined {
  if (type !== "logObfuscation") return undefined;
  if (config === undefined) return { location: "everything" };
  const said = config as ConfigOf<"logObfuscation">;
  const { location, replacement } = said;
  if (location === "body") {
    const fields = said.fields.length === 0 ? undefined : compilePaths(said.fields);
    return { location, pattern: said.pattern, fields, replacement };
  }
  return { location, names: new Set(said.names.map((name) => name.toLowerCase())), replacement };
}
