import type { Context } from "../identity/context.ts";
import { changeEach } from "../lifecycle/change-many.ts";
import type { Entry, Verdict } from "./job-model.ts";
import { verdictOn } from "./verdicts.ts";

/** Starts or stops some instances, as `multiple/start` and `multiple/stop` do. To do it again changes nothing. */
export async function controlStep(
  ctx: Context,
  trigger: "start" | "stop",
  entries: readonly Entry[],
): Promise<Map<string, Verdict>> {
  const ids = entries.map(({ flowId }) => flowId);
  const results = await changeEach(ctx, ids, trigger);
  return new Map(
    [...results].map(([id, result]): [string, Verdict] => [
      id,
      "errors" in result ? verdictOn(result.errors) : { outcome: "done" },
    ]),
  );
}
