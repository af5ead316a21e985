import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { isRecord } from "./cast.ts";
import { checkFlow } from "./check.ts";
import { pointerOf, type Finding } from "./findings.ts";
import { ownersOfNew } from "./owners.ts";

/** Checks a flow exactly as storing it would, and stores nothing. */
export function validateFlow(ctx: Context, input: unknown): { valid: boolean; findings: Finding[] } {
  const [owners, refused] = isRecord(input) ? tryOwners(ctx, input) : [undefined, []];
  const checked = checkFlow(isRecord(input) ? { ...input, owners } : input, ctx.config.FLOW_VALIDATION);
  const findings = [...(checked.ok ? [] : checked.findings), ...refused];
  return { valid: findings.length === 0, findings };
}

function tryOwners(ctx: Context, input: Record<string, unknown>): [owners: unknown, refused: Finding[]] {
  try {
    return [ownersOfNew(ctx.actor, input), []];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return [input["owners"], error.items.map((item) => ({ ...item, pointer: item.pointer ?? pointerOf(["owners"]) }))];
  }
}
