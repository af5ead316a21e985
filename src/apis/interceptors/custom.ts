import { z } from "zod";

import { flag } from "../fields.ts";
import { everywhere, interceptor, onBoth } from "./interceptor.ts";

export const MOST_SCRIPT = 32_768;

const javascript = interceptor({
  type: "javascript",
  category: "custom",
  description:
    "Runs a script in a sandbox without network, clock or files, with limits on steps, memory and stack. It has $request, $response and $call: contextVariables, tracer.trace(text), stopFlow, decision.setAccept(false).",
  stages: onBoth,
  scopes: everywhere,
  needsBody: ({ body }, stage) => (body ? stage : undefined),
  config: z.strictObject({
    name: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .meta({ description: "What it is called in traces.", example: "Only in office hours" }),
    script: z.string().min(1).max(MOST_SCRIPT).meta({
      description:
        "The script, at most 32 KiB. It runs to its end at once, without promises, on at most 1 MiB of the call. To end the call: $response = new ApiResponse(); $response.setStatus(403); $response.setBody('No.'); $call.stopFlow = true; $call.decision.setAccept(false).",
      example: "$call.contextVariables.isLarge = Number($request.getHeader('content-length')) > 1000;",
    }),
    body: flag("Whether the script reads or sets the body.", false),
  }),
});

export { javascript };
