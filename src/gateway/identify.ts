import { isClientId } from "../apps/secret.ts";
import type { App } from "../apps/model.ts";
import type { Call, World } from "./call.ts";
import { refuse, type Stop } from "./refusal.ts";
import { HELD_SECONDS } from "../platform/patience.ts";
import { countMiss, isHeld } from "./tokens/misses.ts";

/** How whoever is not known is answered. */
export interface Manner {
  readonly as: "json" | "text";
  /** For www-authenticate: what would have to be sent. */
  readonly challenge: string;
}

/** The app with a client id that a client sent; `guessing` if its sender tried too many. A wrong form costs no look-up. */
export async function appSought(call: Call, world: World, clientId: string): Promise<App | undefined | "guessing"> {
  if (!isClientId(clientId)) return undefined;
  if (isHeld(call, world.now())) return "guessing";
  const app = await world.appOf(clientId);
  if (app === undefined && (await countMiss(call, world, clientId))) return "guessing";
  return app;
}

/** The plan by which an app calls an API: the first of the API's that it has. */
export const planFor = (api: Call["api"], app: App): string | undefined =>
  api.plans.find((plan) => app.plans.includes(plan));

/** Puts a call under an app's name, or says why it cannot be. A call is one app's: a second, other one is refused. */
export function identify(call: Call, app: App | undefined, manner: Manner): Stop | undefined {
  if (app === undefined || !app.enabled) return clientUnknown(call, manner);
  if (call.app !== undefined && call.app.id !== app.id) {
    return clientUnknown(call, manner, "The call names another client as well.");
  }
  const plan = planFor(call.api, app);
  if (plan === undefined) return refuse("APP_WITHOUT_PLAN", { as: manner.as, requestId: call.id });
  call.app = app;
  call.plan = plan;
  return undefined;
}

export const clientUnknown = (call: Call, { as, challenge }: Manner, detail?: string): Stop =>
  refuse("CLIENT_UNKNOWN", { as, detail, requestId: call.id, headers: { "www-authenticate": challenge } });

/** What a sender that guesses is told, whatever it asks. */
export const heldOff = (call: Call, as: Manner["as"]): Stop =>
  refuse("RATE_LIMITED", {
    as,
    detail: "Too many client ids were not known.",
    requestId: call.id,
    headers: { "retry-after": String(HELD_SECONDS) },
  });
