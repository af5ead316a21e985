import { isSame } from "../flows/diff.ts";
import { toldDocument } from "../flows/instance.ts";
import type { FlowDocument } from "../flows/model.ts";
import { faultsOfValues } from "../flows/values.ts";
import type { TemplateForm } from "../flows/variables.ts";
import type { ErrorItem } from "../platform/errors.ts";

/** What an instance has from its template beside the graph; where it went its own way, it stays there. */
const followed = ["type", "cron", "flowSettings"] as const;

export type Upgraded = { readonly document: FlowDocument } | { readonly faults: readonly ErrorItem[] };

/** An instance at another revision of its template, if its values fit there. Those of variables that are gone go too. */
export function upgraded(present: FlowDocument, from: TemplateForm, to: TemplateForm, revision: number): Upgraded {
  const variables = to.variables ?? {};
  const values = Object.fromEntries(
    Object.entries(present.instance!.values).filter(([name]) => Object.hasOwn(variables, name)),
  );
  const faults = faultsOfValues(variables, values, ["instance", "values"]);
  if (faults.length > 0) return { faults };
  const { graph: _, ...own } = present;
  const theirs = Object.fromEntries(
    followed.flatMap((key) => (isSame(present[key] ?? null, from[key] ?? null) ? [[key, to[key]]] : [])),
  );
  const kept = { ...own, ...theirs, fromTemplate: present.fromTemplate!, instance: { revision, values } };
  return { document: toldDocument(kept, to) };
}
