import { databaseOf } from "../db/client.ts";
import { configOf } from "../platform/config.ts";
import { openSecret } from "../secrets/open.ts";
import { SecretFault } from "../secrets/fault.ts";
import { nextTryIn, policyOf, tryExchange } from "./exchange.ts";
import type { Journal } from "./journal.ts";
import { makeSharable } from "./sharables.ts";
import type { AnsweredEvent, DueEvent, Pending, PendingExchange, PendingSharable } from "./state.ts";
import type { ExecutionFacts } from "./store.ts";

/** After what time something that is at work is looked after, beyond its own timeout. */
const GRACE_MS = 15_000;

/** Tries of a token: nobody is called by it. */
const MOST_TRIES = 20;

const triesOf = (pending: PendingExchange | PendingSharable): number =>
  pending.kind === "sharable" ? MOST_TRIES : policyOf(pending).attempts;

type Answered = Pick<AnsweredEvent, "id" | "result" | "fault">;
/** What became of a pending thing: an event, or another try at a time. */
export type Done =
  | { readonly kind: "answered"; readonly event: Answered }
  | { readonly kind: "again"; readonly dueAt: number };

/** When a pending thing is to be looked at: at its time, or at once. Null for what the interpreter or others do. */
export function dueAtFirst(pending: Pending, now: number): number | null {
  switch (pending.kind) {
    case "exchange":
    case "sharable":
      return now;
    case "timer":
      return pending.at;
    case "event":
      return pending.until;
    case "function":
      return null;
    default:
      return pending satisfies never;
  }
}

/** Until when a thing at work is left alone: then a crash must have cut it off. */
export const leftAloneUntil = (pending: Pending, now: number): number =>
  now + (pending.kind === "exchange" ? pending.timeout * 1000 : 0) + GRACE_MS;

export const dueEvent = (pending: Pending): Pick<DueEvent, "type" | "id"> | undefined =>
  pending.kind === "timer" || pending.kind === "event" ? { type: "due", id: pending.id } : undefined;

/** Makes a call or a token, once. Never throws. `tries` counts this one. */
export async function doPending(
  env: Env,
  journal: Journal,
  pending: PendingExchange | PendingSharable,
  tries: number,
): Promise<Done> {
  const { facts } = journal;
  const { id } = pending;
  if (tries > triesOf(pending)) {
    const fault = {
      code: "EXCHANGE_BROKEN",
      message: "The service broke off at this command, perhaps after its effect.",
    };
    return { kind: "answered", event: { id, fault } };
  }
  if (pending.kind === "sharable") return made(env, facts, pending);
  const tried = await tryExchange(pending, worldOf(env, facts, `${facts.uuid}/${id}`));
  if (tried.ok) return { kind: "answered", event: { id, result: tried.result } };
  const wait = nextTryIn(pending, tried, tries, Math.random());
  return wait === undefined
    ? { kind: "answered", event: { id, fault: tried.fault } }
    : { kind: "again", dueAt: Date.now() + wait };
}

async function made(env: Env, { uuid, expiresAt }: ExecutionFacts, pending: PendingSharable): Promise<Done> {
  const { id } = pending;
  try {
    const token = await makeSharable(databaseOf(env.DB), uuid, pending, Date.now(), expiresAt);
    return { kind: "answered", event: token.ok ? { id, result: token.result } : { id, fault: token.fault } };
  } catch {
    return { kind: "again", dueAt: Date.now() + 5000 };
  }
}

function worldOf(env: Env, { startedBy, startedIn }: ExecutionFacts, key: string) {
  const config = configOf(env);
  const now = Date.now;
  return {
    config,
    now,
    key,
    fetch: (...request: Parameters<typeof fetch>) => fetch(...request),
    secret: (id: string) => {
      if (startedBy === null) throw new SecretFault("Nobody is known who started the workflow.", false);
      return openSecret({ db: databaseOf(env.DB), config, now }, id, { sub: startedBy, tenant: startedIn });
    },
  };
}
