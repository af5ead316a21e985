import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import type { LifecycleInput, Outcome } from "./model.ts";

const ATTEMPTS = 3;

/** Hands an input to the flow's object, again if the object was just being moved or restarted. */
export async function sendInput(objects: Context["objects"], input: LifecycleInput): Promise<Outcome> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const outcome = await objects.getByName(input.flowId).apply(input);
      if (!outcome.ok && outcome.error === "STORAGE_UNAVAILABLE") throw new AppError("STORAGE_UNAVAILABLE");
      // The try before may have done it: then the flow is not the one of If-Match any more, and nobody knows why.
      if (!outcome.ok && outcome.error === "PRECONDITION_FAILED" && attempt > 1) throw new AppError("FLOW_UNAVAILABLE");
      return outcome;
    } catch (error) {
      if (error instanceof AppError) throw error;
      const { retryable, overloaded, remote } = error as {
        retryable?: boolean;
        overloaded?: boolean;
        remote?: boolean;
      };
      if (remote === true && retryable !== true) throw error;
      if (attempt === ATTEMPTS || overloaded === true) throw new AppError("FLOW_UNAVAILABLE", { cause: error });
    }
  }
}
