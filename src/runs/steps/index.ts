import type { ComponentName } from "../../components/catalogue.ts";
import { isHexId } from "../../platform/ids.ts";
import type { Step } from "../steps.ts";
import { http } from "./http.ts";
import { aggregate, choose, delay, filter, pass, split, transform } from "./payload.ts";
import { remote } from "./remote.ts";
import { callFlow, fail, log, reply } from "./telling.ts";

const work: Record<ComponentName, Step> = {
  webhook: pass,
  schedule: pass,
  manual: pass,
  http,
  transform,
  filter,
  switch: choose,
  split,
  aggregate,
  delay,
  log,
  flow: callFlow,
  reply,
  error: fail,
};

/** What a component does, by its name; a step without one passes on what it gets. */
export function stepOf(component: string): Step | undefined {
  if (component === "") return pass;
  if (isHexId(component)) return remote;
  return Object.hasOwn(work, component) ? work[component as ComponentName] : undefined;
}
