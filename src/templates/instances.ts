import { inStorage, type Database } from "../db/client.ts";
import { reachParameters, within, type Reach } from "../identity/ownership.ts";
import type { JobFacts } from "./job-model.ts";

const OF_TEMPLATE = `FROM template_instances AS made CROSS JOIN flows ON flows.pos = made.pos WHERE made.template_id = ?1 AND ${within(2)}`;
const COUNT = `SELECT count(*) AS n ${OF_TEMPLATE}`;
const DRAW = `SELECT flows.id AS id, made.pos AS pos ${OF_TEMPLATE} AND made.pos > ?4 ORDER BY made.pos LIMIT ?5`;

const REVISIONS = `SELECT DISTINCT made.revision AS revision ${OF_TEMPLATE} AND flows.status IN ('inactive', 'stopping') ORDER BY made.revision DESC`;

/** How many instances of a template are within reach. */
export async function countInstances(db: Database, templateId: string, reach: Reach): Promise<number> {
  const { results } = await inStorage(() => db.sql(COUNT, templateId, ...reachParameters(reach)).all<{ n: number }>());
  return results[0]!.n;
}

/** The next instances within reach, behind a place in the order in which they were made. */
export async function drawInstances(
  db: Database,
  { templateId, reach }: Pick<JobFacts, "templateId" | "reach">,
  behind: number,
  most: number,
): Promise<{ id: string; pos: number }[]> {
  const draw = db.sql(DRAW, templateId, ...reachParameters(reach), behind, most);
  const { results } = await inStorage(() => draw.all<{ id: string; pos: number }>());
  return results;
}

/** At which revisions of the template the instances within reach are that do not run; the newest first. */
export async function revisionsAtRest(db: Database, templateId: string, reach: Reach): Promise<number[]> {
  const find = db.sql(REVISIONS, templateId, ...reachParameters(reach));
  const { results } = await inStorage(() => find.all<{ revision: number }>());
  return results.map(({ revision }) => revision);
}
