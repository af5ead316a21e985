import { isRecord } from "../platform/shape.ts";
import { ask, HIDDEN, UNANSWERED, VISIBLE, type Reply, type Sight } from "./ask.ts";

/** A component with more has no check of what is called. */
const MOST_FUNCTIONS = 1000;

/** Asks the Component Repository whether the holder of the token sees a component. */
export async function lookAtComponent(base: string, token: string, id: string): Promise<Sight> {
  return (await ask(`${base.replace(/\/+$/, "")}/components/${id}`, token, sightIn)) ?? UNANSWERED;
}

async function sightIn({ status, json }: Reply): Promise<Sight> {
  if (status === 403 || status === 404) return HIDDEN;
  if (status !== 200) return UNANSWERED;
  const body = await json();
  const data = isRecord(body) ? body["data"] : undefined;
  if (!isRecord(data)) return UNANSWERED;
  const functions = [data["actions"], data["triggers"]].flatMap((map) => (isRecord(map) ? Object.keys(map) : []));
  // The maps are there only after somebody had them read from the component's source.
  return functions.length === 0 || functions.length > MOST_FUNCTIONS ? VISIBLE : { kind: "visible", functions };
}
