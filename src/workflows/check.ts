import { everyCommand, unitsOf } from "./blocks.ts";
import { unsetAttributes } from "./attributes.ts";
import { faultsOfCommand, faultsOfDefinitions } from "./command-check.ts";
import { untoldEvents } from "./events.ts";
import { type Fault, fault } from "../platform/faults.ts";
import { faultsOfShape, isRecord, type Shape } from "../platform/shape.ts";
import { faultsOfKeys } from "./keys.ts";
import { Workflow } from "./model.ts";
import { unreachableCommands } from "./reach.ts";
import { referencesOf, routesInFunctions } from "./references.ts";
import { faultsOfSize } from "./size.ts";

export type CheckedWorkflow =
  | { readonly ok: true; readonly workflow: Workflow; readonly warnings: Fault[] }
  | { readonly ok: false; readonly faults: Fault[] };

const asWorkflow: Shape = {
  schema: Workflow,
  noun: "The workflow",
  missing: { url: ["EXCHANGE_URL_REQUIRED", "An exchange requires a url."] },
};

/** Checks a script as a client would have it stored. The meaning is judged once the shape is right. */
export function checkWorkflow(input: unknown): CheckedWorkflow {
  if (!isRecord(input)) return { ok: false, faults: [fault("WRONG_TYPE", [], "A workflow must be a JSON object.")] };
  const tooLarge = faultsOfSize(input);
  if (tooLarge.length > 0) return { ok: false, faults: tooLarge };
  const shape = Workflow.safeParse(input);
  const dropped = faultsOfKeys(input);
  const wrong = shape.success ? dropped : [...dropped, ...faultsOfShape(shape.error.issues, input, asWorkflow)];
  if (!shape.success || wrong.length > 0) return { ok: false, faults: wrong };
  const found = faultsOfMeaning(shape.data);
  if (found.some((one) => one.warning !== true)) return { ok: false, faults: found };
  return { ok: true, workflow: shape.data, warnings: found };
}

function faultsOfMeaning(workflow: Workflow): Fault[] {
  const references = referencesOf(workflow);
  const commands = unitsOf(workflow).flatMap((unit) => [...everyCommand(unit)]);
  const isEndless = references.recursions.length > 0;
  return [
    ...faultsOfDefinitions(workflow),
    ...commands.flatMap((placed) => faultsOfCommand(workflow, placed)),
    ...untoldEvents(commands),
    ...references.recursions,
    ...routesInFunctions(references),
    ...(isEndless ? [] : [...unreachableCommands(workflow, references), ...unsetAttributes(workflow, references)]),
  ];
}
