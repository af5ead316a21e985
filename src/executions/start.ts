import { databaseOf } from "../db/client.ts";
import type { Actor } from "../identity/actor.ts";
import type { Config } from "../platform/config.ts";
import { AppError } from "../platform/errors.ts";
import type { FieldError } from "../workflows/rules.ts";
import { scopeOf, startable } from "./open.ts";
import { ProblemError, reached } from "./problem.ts";
import type { ExecutionFacts } from "./store.ts";
import { issueToken } from "./token.ts";
import { timeUuid } from "./uuid.ts";

interface Starting {
  readonly env: Env;
  readonly config: Config;
  readonly now: () => number;
  readonly actor: Actor | undefined;
  /** Where a stranger comes from, as far as that is known. */
  readonly sender: string | undefined;
  readonly requestId: string;
}

export interface Ticketed {
  readonly uuid: string;
  readonly uri: string;
  readonly token: string;
}

export const uriOf = (uuid: string): string => `/api/execution/${uuid}`;

/** Begins an execution of a workflow; answers how it is reached, or what is wrong with the input. */
export async function startExecution(
  by: Starting,
  name: string | undefined,
  input: unknown,
): Promise<Ticketed | { readonly errors: readonly FieldError[] }> {
  const { env, config, now, actor } = by;
  if (config.EXECUTION_KEY.length === 0) {
    throw new AppError("MISCONFIGURED", { detail: "No executions begin here: EXECUTION_KEY is not set." });
  }
  // Strangers are counted before anything is looked up for them.
  if (actor === undefined) await demandPatience(env, "start", by.sender);
  const { row, workflow } = await startable(databaseOf(env.DB), config, { name, actor });
  const startedAt = now();
  const facts: ExecutionFacts = {
    uuid: timeUuid(startedAt),
    flowId: row.id,
    home: scopeOf(row),
    workflow: workflow.name,
    revision: row.revision,
    startId: row.startId,
    startedBy: row.startedBy,
    startedIn: row.startedIn,
    requestId: by.requestId,
    startedAt,
    expiresAt: startedAt + workflow.expires * 1000,
  };
  const script = JSON.stringify(workflow);
  const refused = await reached<readonly FieldError[] | "tooLarge" | undefined>(() =>
    env.EXECUTION.getByName(facts.uuid).start(facts, script, input),
  );
  if (refused === "tooLarge") throw new ProblemError("PAYLOAD_TOO_LARGE");
  if (refused !== undefined) return { errors: refused };
  return ticketFor(config, facts.uuid, startedAt, facts.expiresAt);
}

/** What opens an execution until it expires, or as long as tokens hold. */
export async function ticketFor(config: Config, uuid: string, now: number, expiresAt: number): Promise<Ticketed> {
  const token = await issueToken(config, { execution: uuid }, now, untilOf(config, now, expiresAt));
  return { uuid, uri: uriOf(uuid), token };
}

export const untilOf = ({ JWT_EXPIRATION }: Pick<Config, "JWT_EXPIRATION">, now: number, expiresAt: number): number =>
  Math.min(now + JWT_EXPIRATION * 1000, expiresAt);

/** Strangers begin so many in a minute; the binding is the platform's, and elsewhere there is none. */
export async function demandPatience(env: Env, what: string, sender: string | undefined): Promise<void> {
  const limiter = env.EXECUTION_STARTS as RateLimit | undefined;
  if (limiter === undefined || sender === undefined) return;
  if (!(await limiter.limit({ key: `${what} ${sender}` })).success) throw new ProblemError("TOO_MANY_STARTS");
}
