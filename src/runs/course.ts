import type { MappedComponent } from "../components/model.ts";
import { serviceOf } from "../components/place.ts";
import { findMapped } from "../components/store.ts";
import { databaseOf } from "../db/client.ts";
import { findFlow } from "../flows/store.ts";
import type { Reach } from "../identity/ownership.ts";
import { configOf } from "../platform/config.ts";
import { openSecret } from "../secrets/open.ts";
import type { KnownSecrets } from "./known-secrets.ts";
import { beginRun, calledRunId } from "./begin.ts";
import type { Journal } from "./journal.ts";
import { limits, type Definition, type RunEnd, type RunFacts } from "./model.ts";
import type { Course } from "./perform.ts";
import { planOf, type Plan } from "./plan.ts";
import type { Rows } from "./rows.ts";
import { snapshotsOf } from "./snapshots.ts";
import { StepFault, type World } from "./steps.ts";

/** Gets to know each secret that a step is given, and what another run knew of those in its result. */
type Keeper = Pick<KnownSecrets, "learn" | "adopt" | "sealed">;

export function courseOf(env: Env, journal: Journal, keeper: Keeper): Course {
  const facts = journal.facts();
  const { graph, values = {} } = JSON.parse(journal.definition()) as Definition;
  const plan = planOf(graph);
  const world = worldOf(env, facts, keeper);
  const mayCall = callsWithin(limits.calls, journal.rows, plan);
  const callFlow: World["callFlow"] = async (flowId, sent, call) => {
    if (mayCall(call.item)) return world.callFlow(flowId, sent, call);
    throw new StepFault("CALL_LIMIT", `A run may call at most ${limits.calls} others.`);
  };
  return { plan, facts, values, world: { ...world, callFlow } };
}

/**
 * Whether an item is among the first that came to a step that calls. Items keep their ids and each calls one run, so the
 * answer stays the same over tries, restarts and crashes. Rows that were counted once are not read again.
 */
function callsWithin(most: number, rows: Rows, { steps }: Plan): (item: number) => boolean {
  const calling = JSON.stringify(
    [...steps.values()].filter(({ component }) => component === "flow").map(({ id }) => id),
  );
  let [counted, upTo] = [0, 0];
  return (item) => {
    if (item > upTo && counted < most) {
      const text = "SELECT id FROM items WHERE id > ? AND step IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?";
      const found = rows.all<{ id: number }>(text, upTo, calling, most - counted);
      counted += found.length;
      upTo = found.at(-1)?.id ?? upTo;
    }
    return item <= upTo;
  };
}

/** What the steps of a run may use of the world, in the name of whoever started the flow. */
export function worldOf(env: Env, facts: RunFacts, keeper: Keeper): World {
  const config = configOf(env);
  const now = Date.now;
  return {
    config,
    now,
    fetch: (...request) => fetch(...request),
    secret: async (id) => {
      const secret = await openSecret({ db: databaseOf(env.DB), config, now }, id, ownerOf(facts));
      await keeper.learn(secret);
      return secret;
    },
    endOf: async (run) => {
      const end = (await env.RUN.getByName(run).end()) as RunEnd | undefined;
      await keeper.adopt(end?.secrets);
      return end;
    },
    component: mappedComponents(env),
    service: (binding) => serviceOf(env, binding),
    snapshot: snapshotsOf(databaseOf(env.DB), facts.flowId, now),
    callFlow: async (flowId, sent, { item, waits, again }) => {
      const { sub, tenant } = ownerOf(facts);
      const reach: Reach = tenant === null || tenant === sub ? [sub] : [sub, tenant];
      const row = await findFlow(databaseOf(env.DB), flowId, reach);
      if (row?.status !== "active") {
        const message = "There is no such active flow of the account that started this one.";
        throw new StepFault("CALLED_FLOW_UNKNOWN", message);
      }
      const run = await beginRun(env, row, {
        id: await calledRunId(facts.id, item, row.id),
        trigger: "flow",
        message: sent,
        requestId: facts.requestId,
        depth: facts.depth + 1,
        secrets: keeper.sealed,
        ...(waits ? { calledBy: { run: facts.id, item } } : {}),
      });
      if (again) await env.RUN.getByName(run).restart(row.startedBy);
      return run;
    },
  };
}

/** Each component is looked up once for all steps of the run. */
function mappedComponents(env: Env): World["component"] {
  const known = new Map<string, MappedComponent>();
  return async (id) => {
    const key = id.toLowerCase();
    const found = known.get(key) ?? (await findMapped(databaseOf(env.DB), [key])).get(key);
    if (found !== undefined) known.set(key, found);
    return found;
  };
}

function ownerOf({ startedBy, startedIn }: RunFacts): { sub: string; tenant: string | null } {
  if (startedBy === null) {
    throw new StepFault("STARTER_UNKNOWN", "Nobody is known who started the flow. Stop it and start it again.");
  }
  return { sub: startedBy, tenant: startedIn };
}
