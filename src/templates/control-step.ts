import type { Context } from "../identity/context.ts";
import { changeFlows } from "../lifecycle/change-many.ts";
import type { ErrorItem } from "../platform/errors.ts";
import type { Entry, Verdict } from "./job-model.ts";

type Result = { readonly data: { readonly id: string } } | { readonly errors: readonly ErrorItem[] };

/** Starts or stops some instances, as `multiple/start` and `multiple/stop` do. To do it again changes nothing. */
export async function controlStep(
  ctx: Context,
  trigger: "start" | "stop",
  entries: readonly Entry[],
): Promise<Map<string, Verdict>> {
  const ids = entries.map(({ flowId }) => flowId);
  const { body } = await changeFlows(ctx, ids, trigger);
  const results = JSON.parse(body) as Result[];
  return new Map(
    results.map((result, at): [string, Verdict] => {
      if ("data" in result) return [ids[at]!, { outcome: "done" }];
      return [ids[at]!, { outcome: "failed", errors: result.errors }];
    }),
  );
}
