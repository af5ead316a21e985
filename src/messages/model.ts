import { z } from "zod";

import { toObjectId } from "../platform/ids.ts";

/** The envelope of every message, in both directions, as on the Open Integration Hub's event bus. */
export const Headers = z
  .looseObject({
    name: z.string().meta({ description: "What the message is; also the routing key.", example: "flow.started" }),
    createdAt: z.number().optional().meta({ description: "Milliseconds since 1970.", example: 1795316300551 }),
    serviceName: z.string().optional().meta({ description: "Who sent it.", example: "component-orchestrator" }),
    startId: z
      .string()
      .optional()
      .meta({ description: "Which start this is about.", example: "0b9c8a51-6a0e-4c12-9d9d-2f1d4f3f8a77" }),
    revision: z.int().optional().meta({ description: "Revision of the flow's document.", example: 3 }),
    force: z
      .boolean()
      .optional()
      .meta({ description: "Of flow.stopping: what is under way is to be ended too.", example: true }),
    statusSeq: z
      .int()
      .optional()
      .meta({ description: "Number of the transition; orders the commands of one flow.", example: 7 }),
  })
  .meta({ description: "Headers of a message." });

export const Envelope = z.object({ headers: Headers, payload: z.unknown() });
export type Envelope = z.infer<typeof Envelope>;

const FlowRef = z.string().transform((id, check) => {
  const known = toObjectId(id);
  if (known === undefined) check.addIssue({ code: "custom", message: "is not the id of a flow" });
  return known ?? z.NEVER;
});

/** What an orchestrator reports about a flow. The original one sends nothing but the id. */
export const ReportPayload = z.looseObject({
  id: FlowRef,
  startId: z.string().optional(),
  reason: z.string().optional().catch(undefined),
});

/** An account or tenant that is gone. */
export const DeletedOwnerPayload = z.looseObject({
  id: z.string().min(1),
  /** In messages that the service sends itself: how far it has come. */
  from: z.number().optional().catch(undefined),
});

/** What the repository asks of an orchestrator: the whole flow, or a reference where it would not fit. */
export const CommandPayload = z.looseObject({
  id: FlowRef,
  kind: z.string().nullish(),
  graph: z.unknown().optional(),
  href: z.string().optional(),
});
export type CommandPayload = z.infer<typeof CommandPayload>;

/** What the service puts off for itself: flows whose objects are to be woken. */
export const WAKE = "flow.wake";
export const WakePayload = z.object({ ids: z.array(FlowRef) });

/** Runs of a flow that are to be cancelled. */
export const CANCEL_RUNS = "runs.cancel";
export const CancelRunsPayload = z.object({
  flowId: FlowRef,
  /** Only those behind this one. */
  after: z.string(),
  /** The start that ended, and when, in milliseconds: what began later may belong to another start. */
  startId: z.string().optional(),
  before: z.number(),
  /** Only these: what was tried before and failed. */
  runs: z.array(z.string()).optional(),
});
export type CancelRuns = z.infer<typeof CancelRunsPayload>;

export const SERVICE_NAME = "flow-repository";

/** The message that has the runs of a flow cancelled. */
export const cancelRunsOf = (payload: CancelRuns, now: number): Envelope => ({
  headers: { name: CANCEL_RUNS, createdAt: now, serviceName: SERVICE_NAME },
  payload,
});

/** Executions of a workflow that are to be ended. */
export const END_EXECUTIONS = "executions.end";
export const EndExecutionsPayload = z.object({
  flowId: FlowRef,
  /** Only those behind this one. */
  after: z.string(),
  /** The start that ended, and when, in milliseconds: what began later may belong to another start. Absent: all. */
  startId: z.string().optional(),
  before: z.number(),
  /** Only these: what was tried before and failed. */
  uuids: z.array(z.string()).optional(),
  /** Whether it is looked a second time for those of which the list did not know at first. */
  again: z.boolean().optional(),
});
export type EndExecutions = z.infer<typeof EndExecutionsPayload>;

/** The message that has the executions of a workflow ended. */
export const endExecutionsOf = (payload: EndExecutions, now: number): Envelope => ({
  headers: { name: END_EXECUTIONS, createdAt: now, serviceName: SERVICE_NAME },
  payload,
});

/** Kinds of flows that no orchestrator knows: the service itself makes them live. */
const ownKinds = new Set<unknown>(["workflow", "api"]);

/** What takes a command: the orchestrator, or the service itself. */
export const queueOfCommand = ({ payload }: Envelope): "commands" | "chores" =>
  ownKinds.has((payload as { kind?: unknown }).kind) ? "chores" : "commands";

/** A message body of at most this many bytes fits a queue (128,000 with the queue's own metadata). */
export const MOST_MESSAGE_BYTES = 120_000;

export const bytesOf = (text: string): number => new TextEncoder().encode(text).byteLength;
