import {
  adminStatusArm,
  behindCondition,
  conditionsOf,
  matchOf,
  orderedArms,
  outside,
  outsideArm,
  ownedArm,
  searchArm,
  statusCondition,
} from "./list-arms.ts";
import { ADDED_BYTES } from "./instance.ts";
import { choiceOf, countOf } from "./list-counts.ts";
import { Parameters, type Order, type Plan, type Portion, type Selection } from "./list-selection.ts";

/**
 * Statement for one page: the columns of its flows, in order. It reads about as many rows as the page has. Documents
 * of the first `weighed.flows` that weigh more than `weighed.bytes` together come as null.
 */
export function pagePlan(
  selection: Selection,
  order: Order,
  portion: Portion,
  columns: string,
  weighed?: { readonly flows: number; readonly bytes: number },
): Plan {
  const parameters = new Parameters();
  const p = parameters.of;
  const { common, text: places } = placesOf(selection, order, portion, parameters);
  // The loop over the ordered places is the outer one: its order is that of the answer, and nothing is sorted again.
  const rest = "CROSS JOIN flows ON flows.pos = page.p";
  if (weighed === undefined) {
    const text = `${withCommon(common)}SELECT ${columns} FROM (${places}) AS page ${rest}`;
    return { text, parameters: parameters.all };
  }
  const weight = `(SELECT sum(octet_length(flows.document) + ${ADDED_BYTES}) FROM (SELECT p FROM page LIMIT ${p(weighed.flows)}) AS page CROSS JOIN flows ON flows.pos = page.p)`;
  const guarded = columns.replace(
    DOCUMENT,
    `CASE WHEN ${weight} <= ${p(weighed.bytes)} THEN flows.document END AS "document"`,
  );
  const page = `page AS MATERIALIZED (${places})`;
  return { text: `${withCommon([...common, page])}SELECT ${guarded} FROM page ${rest}`, parameters: parameters.all };
}

const withCommon = (parts: readonly string[]): string => (parts.length === 0 ? "" : `WITH ${parts.join(", ")} `);

const DOCUMENT = 'flows.document AS "document"';

/** Statement for how many there are: from counters where they tell it, otherwise by going through them. */
export function totalPlan(selection: Selection): Plan {
  const parameters = new Parameters();
  const parts = [countOf(selection, parameters.of)];
  if (selection.reach !== null && selection.alsoOwnedBy === undefined) {
    const conditions = [...conditionsOf(selection, parameters.of), ...statusCondition(selection, parameters.of)];
    const joined =
      conditions.length === 0 ? "" : ` CROSS JOIN flows ON flows.pos = shared.pos WHERE ${conditions.join(" AND ")}`;
    parts.push(`(SELECT count(DISTINCT shared.pos) FROM ${outside(selection.reach, parameters.of)}${joined})`);
  }
  return { text: `SELECT ${parts.join(" + ")} AS total`, parameters: parameters.all };
}

function placesOf(selection: Selection, order: Order, portion: Portion, parameters: Parameters) {
  const p = parameters.of;
  const { descending } = order;
  const direction = descending ? "DESC" : "ASC";
  const sorted = `ORDER BY 1 ${direction}, 2 ${direction}`;
  const most = p(portion.most + portion.offset);
  const limited = (arm: string, limit = most) => `SELECT * FROM (${arm} ${sorted} LIMIT ${limit})`;
  const arms: string[] = [];
  const common: string[] = [];
  const extra = [...conditionsOf(selection, p), ...behindCondition(order, portion.behind, p)];
  const match = matchOf(selection);

  if (selection.alsoOwnedBy !== undefined) {
    arms.push(limited(ownedArm(selection, order, extra, p)));
  } else {
    const indexed = () => searchArm(selection, order, extra, match!, p);
    const inOrder = (limit?: string) => orderedArms(selection, order, extra, p).map((arm) => limited(arm, limit));
    const choice = choiceOf(selection, order, portion, p);
    if (choice !== undefined) {
      common.push(`choice AS MATERIALIZED (${choice})`);
      arms.push(...inOrder(`(SELECT scan * ${most} FROM choice)`));
      const set = match === undefined ? adminStatusArm(selection, order, extra, p) : indexed();
      arms.push(limited(set, `(SELECT (1 - scan) * ${most} FROM choice)`));
    } else if (match === undefined) arms.push(...inOrder());
    // By one term the search index gives its rows in order and stops; by two it would have them sorted.
    else if (order.by === "created") arms.push(`SELECT * FROM (${indexed()} ORDER BY 1 ${direction} LIMIT ${most})`);
    else arms.push(limited(indexed()));
    if (selection.reach !== null) arms.push(limited(outsideArm(selection, order, extra, p)));
  }
  const offset = portion.offset === 0 ? "" : ` OFFSET ${p(portion.offset)}`;
  return { common, text: `${arms.join(" UNION ALL ")} ${sorted} LIMIT ${p(portion.most)}${offset}` };
}
