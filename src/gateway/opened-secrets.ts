import { Memory } from "../identity/memory.ts";
import { SecretFault } from "../secrets/fault.ts";
import { openSecret, type Secret } from "../secrets/open.ts";
import type { Call, World } from "./call.ts";
import { InterceptorFault } from "./refusal.ts";

/** So long a secret that was changed, deleted or taken from its owner is still used. */
const KEPT_MS = 60_000;

const opened = new WeakMap<Env, Memory<Secret>>();

/** A secret of whoever made the API live. Throws InterceptorFault, whatever stands in the way. */
export async function secretFor(
  { api: { startedBy, startedIn } }: Pick<Call, "api">,
  { env, config, db, now }: Pick<World, "env" | "config" | "db" | "now">,
  id: string,
): Promise<Secret> {
  if (startedBy === null) throw new InterceptorFault("Nobody is known who made the API live, so no secret is opened.");
  const memory = opened.get(env) ?? new Memory<Secret>();
  opened.set(env, memory);
  const key = JSON.stringify([id, startedBy, startedIn]);
  const known = memory.get(key, now());
  if (known !== undefined) return known;
  try {
    const secret = await openSecret({ db: db(), config, now }, id, { sub: startedBy, tenant: startedIn });
    memory.set(key, secret, now() + KEPT_MS);
    return secret;
  } catch (error) {
    if (error instanceof SecretFault) throw new InterceptorFault(error.message);
    throw error;
  }
}
