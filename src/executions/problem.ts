import { z } from "zod";

import { AppError, messageOf, statusOf } from "../platform/errors.ts";
import { reachedOr } from "../platform/reached.ts";

/** What the Hub Client API refuses with, and in which words. */
const table = {
  INVALID_UUID: { status: 400, title: "That is no uuid." },
  INVALID_SUBMIT: { status: 400, title: "The body needs the uuid of a route, and may have a payload." },
  INVALID_CALL: { status: 400, title: "The body needs the name of a function, and may have a payload." },
  INVALID_WAIT: { status: 400, title: "wait is a number of seconds from 0 to 55." },
  TOKEN_INVALID: { status: 401, title: "The token does not open this execution." },
  WORKFLOW_NOT_FOUND: { status: 404, title: "There is no such workflow that you may start." },
  EXECUTION_NOT_FOUND: { status: 404, title: "There is no such execution, or it has expired." },
  FUNCTION_NOT_FOUND: { status: 404, title: "There is no such function." },
  FILE_NOT_FOUND: { status: 404, title: "There is no such file." },
  SHARABLE_NOT_FOUND: { status: 404, title: "There is nothing to be had for this token, or not any more." },
  STALE_ROUTE: { status: 400, title: "Another route is current. Ask for it and go on from there." },
  EXECUTION_RUNNING: { status: 400, title: "No route is current: the workflow is working. Ask for the route again." },
  EXECUTION_TERMINATED: { status: 400, title: "The execution has ended." },
  BACK_DISABLED: { status: 400, title: "There is no way back from here." },
  TOO_MANY_FUNCTIONS: { status: 400, title: "Too many functions of this execution were called." },
  TOO_MANY_FILES: { status: 400, title: "The execution has as many files as it may have." },
  PAYLOAD_TOO_LARGE: { status: 413, title: "The payload is larger or deeper than an execution can hold." },
  TOO_MANY_SUBMITS: { status: 429, title: "Too much was sent to this execution. Wait a minute." },
  TOO_MANY_STARTS: { status: 429, title: "Too many executions were started from here. Wait a minute." },
  EXECUTION_UNAVAILABLE: { status: 503, title: "The execution cannot be reached at the moment. Try again." },
} as const;
export type ProblemCode = keyof typeof table;

/** RFC 9457, with a stable `code`. */
export const Problem = z
  .object({
    type: z.literal("about:blank").meta({ description: "Always the same.", example: "about:blank" }),
    title: z.string().meta({ description: "What is wrong, for people.", example: "The execution has ended." }),
    status: z.int().meta({ description: "The HTTP status.", example: 400 }),
    code: z.string().meta({
      description: "Stable name of the error, for programs; of an error command of the script its code.",
      example: "EXECUTION_TERMINATED",
    }),
    detail: z.string().optional().meta({ description: "What would be right.", example: "Start a new one." }),
    currentRouteUuid: z.string().optional().meta({
      description: "Of STALE_ROUTE: the route that is current.",
      example: "89828e1e-c834-42a2-86f1-893209f63ab5",
    }),
  })
  .meta({ id: "Problem", description: "An error of the Hub Client API (RFC 9457)." });
export type Problem = z.infer<typeof Problem>;

/** Thrown where the Hub Client API refuses. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly code: ProblemCode;
  readonly more: Partial<Pick<Problem, "detail" | "currentRouteUuid">>;

  constructor(code: ProblemCode, more: Partial<Pick<Problem, "detail" | "currentRouteUuid">> = {}, cause?: unknown) {
    super(table[code].title, cause === undefined ? undefined : { cause });
    this.code = code;
    this.more = more;
  }
}

export const problemStatus = (code: ProblemCode): number => table[code].status;

const problem = (status: number, code: string, title: string, more: object = {}): Problem => ({
  type: "about:blank",
  title,
  status,
  code,
  ...more,
});

/** The answer to an error; undefined if it is not one that may be told. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof ProblemError) return problem(table[error.code].status, error.code, error.message, error.more);
  if (!(error instanceof AppError)) return undefined;
  const { detail } = error.items[0] ?? {};
  return problem(statusOf(error.code), error.code, error.message || messageOf(error.code), detail ? { detail } : {});
}

const ofPlatform: Readonly<Record<string, string>> = {
  EXECUTION_BROKEN: "The workflow could not go on.",
  SECRET_UNAVAILABLE: "A service could not be called.",
  EXCHANGE_TIMEOUT: "A service did not answer in time.",
  EXCHANGE_NETWORK: "A service could not be reached.",
  EXCHANGE_STATUS: "A service refused.",
};

/**
 * A fault that ended the execution: 400 is the script's or the data's, 500 the platform's. What the platform says of
 * services and secrets is for the back office; a client hears that something failed.
 */
export const problemOfFault = ({ by, code, message }: { by: "script" | "platform"; code: string; message: string }) =>
  by === "script"
    ? problem(400, code, message)
    : problem(500, code, ofPlatform[code] ?? "A service that the workflow needs failed.");

export const reached = <T>(ask: () => PromiseLike<unknown>): Promise<T> =>
  reachedOr<T>(ask, (cause) => new ProblemError("EXECUTION_UNAVAILABLE", {}, cause));
