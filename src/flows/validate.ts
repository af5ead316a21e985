import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { isRecord } from "./cast.ts";
import { checkFlow, textOf } from "./check.ts";
import type { Finding } from "./findings.ts";
import type { FlowDocument } from "./model.ts";
import { ownersOfNew } from "./owners.ts";

/** Checks a flow exactly as storing it would, and stores nothing. */
export function validateFlow(ctx: Context, input: unknown): { valid: boolean; findings: Finding[] } {
  const [owners, refused] = isRecord(input) ? tryOwners(ctx, input) : [undefined, []];
  const checked = checkFlow(isRecord(input) ? { ...input, owners } : input, ctx.config.FLOW_VALIDATION);
  const findings = [...(checked.ok ? tooLarge(checked.document) : checked.findings), ...refused];
  return { valid: findings.length === 0, findings };
}

function tooLarge(document: FlowDocument): Finding[] {
  try {
    textOf(document);
    return [];
  } catch (error) {
    return findingsIn(error, "");
  }
}

const findingsIn = (error: unknown, pointer: string): Finding[] => {
  if (!(error instanceof AppError)) throw error;
  return error.items.map((item) => ({ ...item, pointer: item.pointer ?? pointer }));
};

function tryOwners(ctx: Context, input: Record<string, unknown>): [owners: unknown, refused: Finding[]] {
  try {
    return [ownersOfNew(ctx.actor, input), []];
  } catch (error) {
    return [input["owners"], findingsIn(error, "/owners")];
  }
}
