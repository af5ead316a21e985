/**
 * The statements of the product, learned from it: its functions are called once, with marks for values, and what they
 * would have sent is kept as texts. At a request nothing of the product's code runs.
 */
import type { Database } from "../../src/db/client.ts";
import { flowStatuses } from "../../src/db/schema.ts";
import { pagePlan, totalPlan } from "../../src/flows/list-plan.ts";
import type { Selection } from "../../src/flows/list-selection.ts";
import { findFlow, flowColumns, type FlowRow, type WholeRow } from "../../src/flows/store.ts";
import { insertions } from "../../src/flows/write.ts";
import { commitTransition, dutiesOf, forgetMessage } from "../../src/lifecycle/store.ts";
import type { Envelope } from "../../src/messages/model.ts";

/** Each stands for a value of a request, wherever it turns up among the parameters. */
const marks = {
  id: "«id»",
  user: "«user»",
  tenant: "«tenant»",
  document: "«document»",
  searchText: "«searchText»",
  message: JSON.stringify({ headers: { name: "«message»" }, payload: null }),
  status: "«status»",
  startId: "«startId»",
  now: 1_000_003,
  place: 1_000_003 * 1024,
  statusSeq: 1_000_033,
  nextSeq: 1_000_037,
  revision: 1_000_039,
  tries: 1_000_081,
  deadlineAt: 1_000_099,
  messageSeq: 1_000_117,
};
type Values = Partial<Record<keyof typeof marks, unknown>>;

type Statement = (db: D1Database, values: Values) => D1PreparedStatement;

const nameOf = new Map<unknown, keyof typeof marks>(
  Object.entries(marks).map(([name, mark]) => [mark, name as keyof typeof marks]),
);

function statementOf(text: string, parameters: readonly unknown[]): Statement {
  const names = parameters.map((parameter) => nameOf.get(parameter));
  return (db, values) =>
    db
      .prepare(text)
      .bind(...parameters.map((parameter, nth) => (names[nth] === undefined ? parameter : values[names[nth]])));
}

/** What a function of the product sends or would have sent, in order. It does so before it waits for anything. */
function learn(ask: (db: Database) => unknown): Statement[] {
  const learned: Statement[] = [];
  const answer = { results: [{}] };
  const send = (statements: unknown) => {
    learned.push(...(statements as { statement: Statement }[]).map(({ statement }) => statement));
    return Promise.resolve([answer, answer, answer]);
  };
  const sql = (text: string, ...parameters: unknown[]) => {
    const asked = { statement: statementOf(text, parameters), all: () => send([asked]), run: () => send([asked]) };
    return asked;
  };
  const asked = ask({ sql, batch: send } as unknown as Database);
  if (asked instanceof Promise) asked.catch(() => undefined);
  else void send(asked);
  return learned;
}

const { id, user, tenant, document, searchText, now } = marks;
const envelope = JSON.parse(marks.message) as Envelope;
const row: WholeRow = {
  pos: 0,
  id,
  home: tenant,
  document,
  searchText,
  name: "",
  type: null,
  fromTemplate: null,
  revision: marks.revision,
  revisedAt: now,
  revisedBy: user,
  revisionNote: "Created.",
  createdAt: now,
  updatedAt: now,
  status: marks.status as FlowRow["status"],
  statusSeq: marks.statusSeq,
  startId: null,
  startedBy: null,
  startedIn: null,
  startedAt: null,
  lastError: null,
  deadlineAt: null,
  tries: marks.tries,
};
const started = {
  status: "starting" as const,
  statusSeq: marks.nextSeq,
  startId: marks.startId,
  startedBy: user,
  startedIn: tenant,
  startedAt: now,
  lastError: null,
  deadlineAt: marks.deadlineAt,
  tries: 1,
  updatedAt: now,
};

const selection: Selection = { reach: [user, tenant], statuses: flowStatuses, facets: [], created: {}, updated: {} };
const portion = { most: 11, offset: 0 };
const plans = [totalPlan(selection), pagePlan(selection, { by: "created", descending: false }, portion, flowColumns)];
const pending = { flowId: id, seq: marks.messageSeq, queue: "notices" as const, body: "", createdAt: now };

export const find = learn((db) => findFlow(db, id, [user, tenant]));
/** The total, and the first ten rows and one more. */
export const page = plans.map(({ text, parameters }) => statementOf(text, parameters));
export const create = learn((db) => insertions(db, [{ row, message: { flowId: id, queue: "notices", envelope } }], 0));
export const begin = learn((db) => commitTransition(db, row, started, envelope, now));
/** The messages, and the deadline. */
export const duties = learn((db) => dutiesOf(db, id, 50));
export const forget = learn((db) => forgetMessage(db, pending));

export type Row = FlowRow;
