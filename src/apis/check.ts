import { fault, type Fault } from "../platform/faults.ts";
import { faultsOfShape, isRecord, type Shape } from "../platform/shape.ts";
import { Configs, faultsOfList, placedEntries } from "./entry-check.ts";
import { faultsOfEnvironments, faultsOfReferences } from "./environment-check.ts";
import { faultsOfFlows } from "./flow-check.ts";
import { Api, Plan } from "./model.ts";
import { privateAddresses, warningsOfPrivate } from "./private.ts";
import { warningsOfReach } from "./reach.ts";
import { faultsOfResources } from "./resource-check.ts";
import { faultsOfSize } from "./size.ts";

export type { Fault } from "../platform/faults.ts";

export type CheckedApi =
  | { readonly ok: true; readonly api: Api; readonly warnings: Fault[] }
  | { readonly ok: false; readonly faults: Fault[] };
export type CheckedPlan =
  | { readonly ok: true; readonly plan: Plan; readonly warnings: Fault[] }
  | { readonly ok: false; readonly faults: Fault[] };

const asApi: Shape = { schema: Api, noun: "The API" };
const asPlan: Shape = { schema: Plan, noun: "The plan" };

/** Checks an API as a client would have it stored. The meaning is judged once the shape is right. */
export function checkApi(input: unknown): CheckedApi {
  const parsed = parse(input, asApi, "An API must be a JSON object.");
  if (!parsed.ok) return parsed;
  const api = parsed.data as Api;
  const configs = new Configs();
  const found = [...faultsOfResources(api), ...faultsOfFlows(api, configs), ...faultsOfEnvironments(api, configs)];
  if (found.some((one) => one.warning !== true)) return { ok: false, faults: found };
  return { ok: true, api, warnings: [...found, ...privateAddresses(api, configs), ...warningsOfReach(api, configs)] };
}

/** Checks a plan. The variables that it names are those of the API that is called: nobody knows them here. */
export function checkPlan(input: unknown): CheckedPlan {
  const parsed = parse(input, asPlan, "A plan must be a JSON object.");
  if (!parsed.ok) return parsed;
  const plan = parsed.data as Plan;
  const configs = new Configs();
  const found = [
    ...faultsOfList(plan, "plan", [], configs),
    ...faultsOfReferences(plan, [], configs),
    ...faultsOfSecrets(plan, configs),
  ];
  if (found.length > 0) return { ok: false, faults: found };
  return { ok: true, plan, warnings: warningsOfPrivate(plan, [], configs, {}) };
}

/** A plan runs in APIs of others, in the name of whoever started those: it must not use what is theirs. */
const faultsOfSecrets = (plan: Plan, configs: Configs): Fault[] =>
  placedEntries(plan, []).flatMap(({ entry, path }) =>
    typeof configs.valid(entry)?.["secret"] === "string"
      ? [fault("SECRET_NOT_ALLOWED", [...path, "config", "secret"], "A plan uses no secrets. Put it into the API.")]
      : [],
  );

type Parsed = { readonly ok: true; readonly data: unknown } | { readonly ok: false; readonly faults: Fault[] };

function parse(input: unknown, shape: Shape, wrongType: string): Parsed {
  if (!isRecord(input)) return { ok: false, faults: [fault("WRONG_TYPE", [], wrongType)] };
  const tooLarge = faultsOfSize(input);
  if (tooLarge.length > 0) return { ok: false, faults: tooLarge };
  const parsed = shape.schema.safeParse(input);
  if (!parsed.success) return { ok: false, faults: faultsOfShape(parsed.error.issues, input, shape) };
  return { ok: true, data: parsed.data };
}
