import type { InterceptorType, Stage } from "../apis/interceptors.ts";
import type { Level } from "../apis/model.ts";
import { BodyFault } from "./body.ts";
import type { Call, Outcome, Run, World } from "./call.ts";
import { InterceptorFault, refuse, type Stop } from "./refusal.ts";
import { holds } from "./see.ts";
import type { Hiding } from "./trace/hiding.ts";

/** An interceptor, ready to run. */
export interface Step {
  readonly id: string;
  readonly type: InterceptorType;
  readonly stage: Stage;
  /** The level that brought it in. */
  readonly level: Level | "plan";
  readonly abortOnFail: boolean;
  readonly when: string | undefined;
  /** Whether it runs on the answer of a call that was stopped too. */
  readonly always: boolean;
  /** Whether it reads the body of the answer. */
  readonly readsAnswer: boolean;
  /** What it hides in traces by standing in the chain. */
  readonly hides?: Hiding;
  readonly run: Run;
}

interface Waiting {
  readonly step: Step;
  readonly later: Promise<Stop | undefined>;
}

/**
 * Runs steps one after the other, in the order given, until one stops the call. Work that goes on beside is waited for
 * at the end; behind a stop it goes to its end beside the answer.
 */
export async function runSteps(steps: readonly Step[], call: Call, world: World): Promise<Stop | undefined> {
  const waiting: Waiting[] = [];
  for (const step of steps) {
    const outcome = await runStep(step, call, world);
    if (outcome === undefined) continue;
    if ("answer" in outcome) {
      call.stoppedBy = step;
      // The answer is there; what was begun beside is not cut off for it.
      const begun = waiting.map((one) => settled(one.step, one.later, call));
      if (begun.length > 0) world.defer(Promise.allSettled(begun));
      return outcome;
    }
    waiting.push({ step, later: outcome.later });
  }
  for (const { step, later } of waiting) {
    const stop = await settled(step, later, call);
    if (stop === undefined) continue;
    // Those behind it have run, for it is the end of the list.
    call.stoppedBy = steps.at(-1);
    return stop;
  }
  return undefined;
}

async function runStep(step: Step, call: Call, world: World): Promise<Outcome> {
  const leave = call.trace?.enter(step, call);
  try {
    if (step.when !== undefined && !(await holds(step.when, call, step.stage))) {
      leave?.({ kind: "skipped" });
      return undefined;
    }
    const ran = step.run(call, world);
    const outcome = ran instanceof Promise ? await ran : ran;
    if (outcome === undefined) leave?.({ kind: "passed" });
    else if ("answer" in outcome) leave?.({ kind: "stopped", code: outcome.code, status: outcome.answer.status });
    else {
      // Whoever is told later is told by the trace of the same step.
      outcome.later.catch(() => undefined);
      leave?.({ kind: "later" });
    }
    return outcome;
  } catch (error) {
    return failed(step, error, call, leave);
  }
}

async function settled(step: Step, later: Promise<Stop | undefined>, call: Call): Promise<Stop | undefined> {
  const leave = call.trace?.enter(step, call);
  try {
    const stop = await later;
    leave?.(stop === undefined ? { kind: "passed" } : { kind: "stopped", code: stop.code, status: stop.answer.status });
    return stop;
  } catch (error) {
    return failed(step, error, call, leave);
  }
}

function failed(
  step: Step,
  error: unknown,
  call: Call,
  leave: ReturnType<NonNullable<Call["trace"]>["enter"]> | undefined,
): Stop | undefined {
  // A body that cannot be read is the sender's doing, and no way around the interceptor that guards against it.
  if (error instanceof BodyFault && (error.of === "request" || error.isLost || step.abortOnFail)) {
    const stop = call.ended ?? refusalOf(error);
    leave?.({ kind: "stopped", code: stop.code, status: stop.answer.status });
    return stop;
  }
  const message = error instanceof InterceptorFault ? error.message : unexpected(error);
  leave?.({ kind: "failed", message, goesOn: !step.abortOnFail });
  if (!step.abortOnFail) return undefined;
  return refuse("INTERCEPTOR_FAILED", { detail: `The interceptor ${step.id} failed.`, requestId: call.id });
}

/** The words of anything else may hold values of the call. */
const unexpected = (error: unknown): string =>
  error instanceof Error && error.name === "ExpressionError" ? error.message : "It failed unexpectedly.";

const ofAnswer = {
  BODY_TOO_LARGE: "ANSWER_TOO_LARGE",
  BODY_ENCODED: "ANSWER_UNREADABLE",
  BODY_BROKEN: "ANSWER_BROKEN",
  BODY_LATE: "DESTINATION_TIMEOUT",
} as const;

/** How a call ends whose body, or whose answer's, cannot be read. */
export const refusalOf = ({ code, of }: BodyFault): Stop =>
  refuse(of === "answer" ? ofAnswer[code] : code === "BODY_LATE" ? "BODY_BROKEN" : code);
