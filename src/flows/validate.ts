import { findMapped } from "../components/store.ts";
import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { isRecord } from "../platform/shape.ts";
import { castTo } from "./cast.ts";
import { checkFlow, listsOf, textOf, told } from "./check.ts";
import type { Finding } from "./findings.ts";
import { documents, type FlowDocument } from "./model.ts";
import { ownersOfNew } from "./owners.ts";
import { findingsOfReferences } from "./references.ts";
import { findingsOfRunning, mappedIdsIn } from "./runnable.ts";

/**
 * Checks a flow exactly as storing it would, and stores nothing. Where flows run here, it also tells what would keep it
 * from running; elsewhere the components are others.
 */
export async function validateFlow(ctx: Context, input: unknown): Promise<{ valid: boolean; findings: Finding[] }> {
  const [owners, refused] = isRecord(input) ? tryOwners(ctx, input) : [undefined, []];
  const checked = checkFlow(isRecord(input) ? { ...input, owners } : input, ctx.config.FLOW_VALIDATION);
  const running = ctx.config.ORCHESTRATOR === "embedded" && withinSizes(input) ? await ofRunning(ctx, input) : [];
  const references = withinSizes(input) ? await ofReferences(ctx, input) : [];
  const faults = checked.ok ? tooLarge(checked.document) : checked.findings;
  const findings = [...faults, ...(checked.warnings ?? []), ...refused, ...told([...running, ...references])];
  return { valid: findings.every((found) => found.warning === true), findings };
}

const withinSizes = (input: unknown): boolean =>
  isRecord(input) && listsOf(input).every(({ length, most }) => length <= most);

async function ofRunning(ctx: Context, input: unknown): Promise<Finding[]> {
  const cast = castTo(documents[ctx.config.FLOW_VALIDATION], input);
  return findingsOfRunning(cast, await findMapped(ctx.db, mappedIdsIn(cast)));
}

const ofReferences = (ctx: Context, input: unknown): Promise<Finding[]> =>
  findingsOfReferences(ctx, () => castTo(documents[ctx.config.FLOW_VALIDATION], input));

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
