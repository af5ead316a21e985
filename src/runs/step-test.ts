import { z } from "zod";

import { getFlow } from "../flows/get.ts";
import { documentOf } from "../flows/store.ts";
import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { definitionOf, runId } from "./begin.ts";
import { worldOf } from "./course.ts";
import type { Item } from "./journal.ts";
import { secretForms } from "./known-secrets.ts";
import { hideIn, maskJson } from "../secrets/mask.ts";
import { RunFault, type Message, type RunFacts } from "./model.ts";
import { perform, withoutSecrets } from "./perform.ts";
import { planOf } from "./plan.ts";
import { StepFault, type World } from "./steps.ts";

export const StepSample = z
  .looseObject({
    data: z
      .unknown()
      .optional()
      .meta({ description: "The payload.", example: { amount: 150 } }),
    metadata: z.record(z.string(), z.unknown()).optional().meta({ description: "What is told about it.", example: {} }),
    gathered: z
      .array(z.unknown())
      .max(1000)
      .optional()
      .meta({ description: "For an aggregate step: the payloads that it puts together.", example: [1, 2] }),
  })
  .meta({ id: "StepSample", description: "A message to try a step with.", example: { data: { amount: 150 } } });

export const StepTrial = z
  .object({
    outcome: z
      .enum(["sent", "filtered", "gathered", "waits", "rebound", "failed"])
      .meta({ description: "What the step did with the message.", example: "sent" }),
    outputs: z
      .array(z.unknown())
      .meta({ description: "Messages that it made. Secrets are masked.", example: [{ data: { amount: 150 } }] }),
    targets: z
      .array(
        z
          .object({
            step: z.string().meta({ description: "Step that would get a message.", example: "step_2" }),
            message: z.unknown().meta({ description: "That message.", example: { data: { amount: 150 } } }),
          })
          .meta({ id: "StepTarget", description: "Where a message would go." }),
      )
      .meta({ description: "Where messages would go." }),
    lines: z.array(z.string()).meta({ description: "What it logged.", example: ["The target answered 201."] }),
    waitsUntil: z.iso.datetime().nullable().meta({ description: "Until when it would wait.", example: null }),
    error: RunFault.nullable().meta({ description: "Why it failed." }),
    milliseconds: z.int().meta({ description: "How long it took.", example: 12 }),
  })
  .meta({ id: "StepTrial", description: "What came of trying a step." });

interface Asked {
  readonly id: string;
  readonly step: string;
  readonly sample: z.infer<typeof StepSample>;
}

/** Does a step's work once, for its author to see. */
export async function testStep(
  env: Env,
  ctx: Context,
  { id, step, sample }: Asked,
): Promise<z.infer<typeof StepTrial>> {
  const row = await getFlow(ctx, id, "Flow not found");
  const definition = definitionOf(documentOf(row));
  const plan = planOf(definition.graph);
  if (!plan.steps.has(step)) throw new AppError("STEP_NOT_FOUND", { detail: "Name a node of the flow's graph." });
  const facts: RunFacts = {
    id: runId(row.id, ctx.now()),
    flowId: row.id,
    flowName: definition.name,
    revision: row.revision,
    startId: null,
    trigger: "manual",
    startedBy: ctx.actor.sub,
    startedIn: ctx.actor.tenant,
    tenant: ctx.actor.tenant,
    requestId: ctx.requestId,
    depth: 0,
  };
  const known: string[] = [];
  const world = harmless(
    worldOf(env, facts, {
      learn: (secret) => Promise.resolve(void known.push(...secretForms(secret))),
      adopt: () => Promise.resolve(),
      sealed: "{}",
    }),
  );
  const { gathered, ...given } = sample;
  const message: Message = { ...given, metadata: given.metadata ?? {}, data: given.data ?? {} };
  const together = gathered === undefined ? undefined : { data: gathered, failed: 0 };
  const began = ctx.now();
  const performed = await perform(
    { plan, facts, values: definition.values ?? {}, world },
    itemAt(step),
    message,
    together,
  );
  const { tried, work } = withoutSecrets(performed, (text) => hideIn(text, known));
  const outputs = work.outputs.map((body) => shown(body ?? JSON.stringify(message), known));
  return {
    outcome: tried.kind,
    outputs,
    targets: work.deliveries.map(({ step: target, output, body }) => ({
      step: target,
      message: body === undefined ? outputs[output] : shown(body, known),
    })),
    lines: work.lines.map(({ message: text }) => text),
    waitsUntil: tried.kind === "waits" ? new Date(tried.until).toISOString() : null,
    error: tried.kind === "failed" ? { code: tried.fault.code, message: tried.fault.message, step } : null,
    milliseconds: ctx.now() - began,
  };
}

const shown = (body: string, known: readonly string[]): unknown => JSON.parse(maskJson(body, known));

const itemAt = (step: string): Item => ({
  id: 1,
  step,
  parent: null,
  scope: 0,
  place: 0,
  input: 1,
  gathers: null,
  state: "due",
  attempts: 0,
  rebounds: 0,
  restarts: 0,
  seq: 1,
  memo: null,
});

/** A world in which no other flow runs. */
const harmless = (world: World): World => ({
  ...world,
  snapshot: { ...world.snapshot, put: () => Promise.resolve() },
  callFlow: () => Promise.reject(new StepFault("NOT_IN_A_TEST", "Other flows are not called when a step is tried.")),
});
