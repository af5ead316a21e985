import { AppError } from "../platform/errors.ts";
import { toObjectId } from "../platform/ids.ts";
import { isRecord } from "../platform/shape.ts";
import { isSame } from "./diff.ts";
import { toldDocument } from "./instance.ts";
import type { FlowDocument } from "./model.ts";
import type { TemplateForm, Values } from "./variables.ts";
import { faultsOfValues } from "./values.ts";

/**
 * What an edit asks of an instance: its graph, template and revision stay, whether they are sent or not, and its values
 * are checked. Whatever else is asked is as with any flow.
 */
export function editOfInstance(
  present: FlowDocument,
  template: TemplateForm,
  asked: Record<string, unknown>,
): Record<string, unknown> {
  const { graph, fromTemplate, instance, ...others } = asked;
  // A client that sends back all that it read changes nothing by that.
  if (graph !== undefined && !isSame(graph, present.graph)) throw fixed("/graph");
  if (fromTemplate !== undefined && toObjectId(fromTemplate) !== present.fromTemplate) throw fixed("/fromTemplate");
  if (instance === undefined) return others;
  if (!isRecord(instance)) throw new AppError("INVALID_VALUES", { pointer: "/instance", detail: "Send an object." });
  const { revision, values } = instance;
  const { instance: before } = present;
  if (revision !== undefined && revision !== before!.revision) throw fixed("/instance/revision");
  if (values === undefined) return others;
  const faults = faultsOfValues(template.variables ?? {}, values, ["instance", "values"]);
  if (faults.length > 0) throw new AppError("INVALID_VALUES", { items: faults });
  const kept = { ...present, fromTemplate: present.fromTemplate!, instance: { ...before!, values: values as Values } };
  const told = toldDocument(kept, template);
  return { ...others, graph: told.graph, instance: told.instance };
}

const fixed = (pointer: string): AppError => new AppError("INSTANCE_GRAPH", { pointer });
