import { z } from "zod";

import { type Interceptor, interceptors } from "../apis/interceptors.ts";

let made: string | undefined;

/** Every interceptor there is, with the JSON Schema of its settings. As JSON text, made once per isolate. */
export function catalogueText(): string {
  made ??= JSON.stringify({ data: Object.values<Interceptor>(interceptors).map(shown), meta: {} });
  return made;
}

const shown = ({ type, category, description, stages, scopes, config }: Interceptor) => ({
  type,
  category,
  description,
  stages,
  scopes,
  config: z.toJSONSchema(config, { io: "input", unrepresentable: "any" }),
});
