import { inStorage, type Database } from "../db/client.ts";
import type { Owner } from "../flows/model.ts";
import { flowColumns, documentOf, type FlowRow } from "../flows/store.ts";
import { can, type Actor } from "../identity/actor.ts";
import { AppError } from "../platform/errors.ts";
import type { Config } from "../platform/config.ts";
import type { Workflow } from "../workflows/model.ts";
import { ProblemError } from "./problem.ts";

/** Names of public workflows belong to nobody. */
const EVERYBODY = "";

export const scopeOf = ({ home, id }: Pick<FlowRow, "home" | "id">): string => home ?? id;

/** Whether a flow still is what its claim says: it may have been renamed, closed to the public or given away since. */
const HOLDS = `flows.document ->> '$.workflow.name' = open_workflows.name
  AND (CASE open_workflows.scope WHEN '' THEN flows.document ->> '$.workflow.access' = 'public' ELSE coalesce(flows.home, flows.id) = open_workflows.scope END)`;

/** Milliseconds after which a public name may be taken from a flow of others that is not active. */
const HELD_MS = 30 * 24 * 3600_000;

// A public name stays its owner's while the flow is stopped for an edit: whoever took it then would get its users.
const CLAIM = `INSERT INTO open_workflows (scope, name, flow_id) VALUES (?1, ?2, ?3)
  ON CONFLICT (scope, name) DO UPDATE SET flow_id = ?3 WHERE flow_id = ?3 OR NOT EXISTS
    (SELECT 1 FROM flows WHERE flows.id = open_workflows.flow_id AND ${HOLDS} AND (status IN ('starting', 'active')
      OR (open_workflows.scope = '' AND coalesce(flows.home, flows.id) <> ?4 AND flows.updated_at > ?5)))
  RETURNING scope`;

/** Names that the flow had at an earlier start. */
const GIVE_UP = `DELETE FROM open_workflows WHERE flow_id = ?1
  AND NOT (name = ?2 AND scope IN (SELECT value FROM json_each(?3)))`;

/**
 * Has the name of a workflow lead to a flow, until another flow takes it when this one is not active any more; a public
 * name only another flow of the same owner, or after a month. Answers why it cannot.
 */
export async function openWorkflow(db: Database, row: FlowRow, now: number): Promise<string | undefined> {
  const { name, access } = workflowOf(row)!;
  const owner = scopeOf(row);
  const scopes = access === "public" ? [owner, EVERYBODY] : [owner];
  const claims = scopes.map((scope) => db.sql(CLAIM, scope, name, row.id, owner, now - HELD_MS));
  const claimed = await inStorage(() => db.batch([...claims, db.sql(GIVE_UP, row.id, name, JSON.stringify(scopes))]));
  const taken = scopes.find((_, index) => claimed[index]!.results.length === 0);
  if (taken === undefined) return undefined;
  return taken === EVERYBODY
    ? `Another public workflow is called ${name}. Choose another workflow.name.`
    : `Another active workflow is called ${name}. Stop it first, or choose another workflow.name.`;
}

export const workflowOf = (row: Pick<FlowRow, "document">): Workflow | undefined =>
  documentOf(row).workflow ?? undefined;

const COLUMNS = `${flowColumns}, open_workflows.scope AS scope`;
const NAMED = `SELECT ${COLUMNS} FROM open_workflows JOIN flows ON flows.id = open_workflows.flow_id
  WHERE open_workflows.scope IN (?1, ?2, '') AND open_workflows.name = ?3 AND flows.status = 'active' AND ${HOLDS}`;
const ANY = `SELECT ${COLUMNS} FROM open_workflows JOIN flows ON flows.id = open_workflows.flow_id
  WHERE open_workflows.scope = ?1 AND flows.status = 'active' AND ${HOLDS} LIMIT 2`;
const BY_ID = `SELECT ${flowColumns}, flows.home AS scope FROM flows WHERE flows.id = ?1 AND flows.status = 'active'`;

type Found = FlowRow & { readonly scope: string | null };

export interface Asked {
  /** A name, a name with the revision that it must have (`onboarding:3`), or the id of a flow; without it the only one. */
  readonly name: string | undefined;
  readonly actor: Actor | undefined;
}

/** The active workflow that a name means to the one who asks, if they may start it, and its script. */
export async function startable(
  db: Database,
  config: Config,
  { name, actor }: Asked,
): Promise<{ row: FlowRow; workflow: Workflow }> {
  const row = await (name === undefined ? onlyOne(db, actor) : named(db, name, actor));
  const { workflow, owners } = row === undefined ? {} : documentOf(row);
  if (row === undefined || !workflow) throw new ProblemError("WORKFLOW_NOT_FOUND");
  if (workflow.access === "public") return { row, workflow };
  if (actor === undefined || !(actor.isAdmin || owns(actor, owners!))) throw new ProblemError("WORKFLOW_NOT_FOUND");
  const permission = config.EXECUTION_START_PERMISSION;
  if (!can(actor, permission)) throw new AppError("MISSING_PERMISSION", { detail: `Needed is ${permission}.` });
  return { row, workflow };
}

const owns = ({ sub, tenant }: Actor, owners: readonly Owner[]): boolean =>
  owners.some(({ id }) => id === sub || (tenant !== null && id === tenant));

async function named(db: Database, text: string, actor: Actor | undefined): Promise<FlowRow | undefined> {
  const [, name = "", revision] = /^([^:]*)(?::([1-9]\d{0,8}))?$/.exec(text) ?? [];
  const found = /^[0-9a-fA-F]{24}$/.test(name)
    ? await rowsOf(db.sql(BY_ID, name.toLowerCase()))
    : await rowsOf(db.sql(NAMED, ...scopesOf(actor), name));
  // What is one's own goes before what is everybody's.
  const row = found.find(({ scope }) => scope !== EVERYBODY) ?? found[0];
  return revision === undefined || row?.revision === Number(revision) ? row : undefined;
}

/** The tenant's own, or the public one, if there is exactly one. */
async function onlyOne(db: Database, actor: Actor | undefined): Promise<FlowRow | undefined> {
  const own = scopesOf(actor).filter((scope) => scope !== EVERYBODY);
  for (const scope of [...own, EVERYBODY]) {
    const found = await rowsOf(db.sql(ANY, scope));
    if (found.length > 0) return found.length === 1 ? found[0] : undefined;
  }
  return undefined;
}

const scopesOf = (actor: Actor | undefined): [string, string] => [actor?.tenant ?? EVERYBODY, actor?.sub ?? EVERYBODY];

const rowsOf = async (statement: D1PreparedStatement): Promise<Found[]> =>
  (await inStorage(() => statement.all<Found>())).results;
