import { documentOf, type FlowRow } from "../flows/store.ts";
import { runsInNameOf } from "../lifecycle/command.ts";
import { AppError } from "../platform/errors.ts";
import { hexOf, sha256Of } from "../platform/ids.ts";
import type { Definition, Message, RunFacts, Trigger } from "./model.ts";
import type { Seed } from "./journal.ts";
import { textOf } from "./message.ts";
import { firstStepFor, planOf } from "./plan.ts";
import { StepFault } from "./steps.ts";

interface How {
  readonly trigger: Trigger;
  readonly message: Message;
  /** In the place of the message: what a run begins with that repeats another, and what the flow was then. */
  readonly repeats?: { readonly seeds: readonly Seed[]; readonly definition?: string | undefined } | undefined;
  /** Step at which the message begins; without it the trigger's own, else the entry. */
  readonly step?: string | undefined;
  readonly requestId: string;
  /** The id of the run; without it a new one. */
  readonly id?: string | undefined;
  readonly replayOf?: string | undefined;
  readonly calledBy?: RunFacts["calledBy"];
  readonly depth?: number;
  /** JSON of sealed values that the messages may hold. */
  readonly secrets?: string | undefined;
  /** Whose rights count in the place of the flow's starter's: theirs who chose what runs. */
  readonly inNameOf?: { readonly sub: string; readonly tenant: string | null } | undefined;
}

/** Begins a run of an active flow; the same id again begins nothing. Once answered, the run goes to its end. */
export async function beginRun(env: Env, row: FlowRow, how: How): Promise<string> {
  const document = documentOf(row);
  const facts = factsOf(row, document, how.id ?? runId(row.id, Date.now()), how);
  const definition = how.repeats?.definition ?? JSON.stringify(definitionOf(document));
  const seeds = how.repeats?.seeds ?? [{ step: stepFor(document, how), body: bodyOf(how.message) }];
  await env.RUN.getByName(facts.id).start({ facts, definition, seeds, secrets: how.secrets });
  return facts.id;
}

/** What a request holds, with all that is told about it, may be more than a message can be. */
function bodyOf(message: Message): string {
  try {
    return textOf(message);
  } catch (error) {
    if (error instanceof StepFault) throw new AppError("BODY_TOO_LARGE", { detail: error.fault.message });
    throw error;
  }
}

function stepFor({ graph }: ReturnType<typeof documentOf>, { step, trigger }: How): string {
  const first = step ?? firstStepFor(planOf(graph), trigger);
  if (first === undefined) throw new AppError("FLOW_HAS_NO_ENTRY");
  return first;
}

function factsOf(
  row: FlowRow,
  { name, tenant, owners }: ReturnType<typeof documentOf>,
  id: string,
  { trigger, requestId, replayOf, calledBy, depth = 0, inNameOf }: How,
): RunFacts {
  return {
    id,
    flowId: row.id,
    flowName: name ?? null,
    revision: row.revision,
    startId: row.startId,
    trigger,
    startedBy: inNameOf?.sub ?? row.startedBy,
    startedIn: inNameOf === undefined ? row.startedIn : inNameOf.tenant,
    tenant: runsInNameOf(tenant, owners) ?? null,
    requestId,
    replayOf,
    calledBy,
    depth,
  };
}

export function definitionOf(document: ReturnType<typeof documentOf>): Definition {
  const { name, graph, flowSettings, instance } = document;
  const values = instance?.effective ?? document.values ?? undefined;
  return { name: name ?? null, graph, flowSettings, ...(values === undefined ? {} : { values }) };
}

/** Ids of one flow's runs stand in the order in which they began: `run_`, the flow, the millisecond, and chance. */
export function runId(flowId: string, now: number): string {
  const chance = crypto.getRandomValues(new Uint8Array(8));
  return idOf(flowId, now, hexOf(chance));
}

/** The one run that an item of another calls, however often it does. */
export async function calledRunId(caller: string, item: number, flowId: string): Promise<string> {
  return idOf(flowId, beganAt(caller), (await sha256Of(`${caller}/${item}`)).slice(0, 16));
}

/** The one run that the end of another begins, however often it is told; an end after a restart is another end. */
export async function toldRunId(ended: string, endedAt: number, flowId: string): Promise<string> {
  return idOf(flowId, endedAt, (await sha256Of(`${ended}/end/${endedAt}`)).slice(0, 16));
}

/** The one run of a flow that is due at a step at a time, however often it is begun. */
export async function runIdAt(flowId: string, due: number, step: string): Promise<string> {
  return idOf(flowId, due, (await sha256Of(`${flowId}/${step}/${due}`)).slice(0, 16));
}

export const runIdPattern = /^run_([0-9a-f]{24})_([0-9a-f]{12})[0-9a-f]{16}$/;

export const flowOfRun = (id: string): string | undefined => runIdPattern.exec(id)?.[1];

/** The millisecond in an id: when the run began, or was due. */
export const beganAt = (id: string): number => Number.parseInt(runIdPattern.exec(id)![2]!, 16);

const idOf = (flowId: string, at: number, rest: string): string => `${boundAt(flowId, at)}${rest}`;

/** What stands before the ids of all runs of a flow that began at a time or later, and behind all earlier ones. */
export const boundAt = (flowId: string, at: number): string =>
  `run_${flowId}_${Math.max(0, Math.ceil(at)).toString(16).padStart(12, "0")}`;
