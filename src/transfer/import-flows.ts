import { constraintIn, inStorage } from "../db/client.ts";
import { wakeLater } from "../flows/courier.ts";
import { findForms } from "../flows/instance.ts";
import type { TemplateForm } from "../flows/variables.ts";
import type { Context } from "../identity/context.ts";
import { commandOf } from "../lifecycle/command.ts";
import { queueOfCommand } from "../messages/model.ts";
import { AppError } from "../platform/errors.ts";
import { MOST_BYTES } from "../platform/http.ts";
import { claimsOfApis } from "./claims.ts";
import { insertions, placed, presentFlows, replacements, tellings, type Command, type Replacing } from "./flow-rows.ts";
import { importDocuments, type Import, type Importer, type Line } from "./import.ts";
import { forgettings } from "./remains.ts";
import type { ImportReport } from "./report.ts";
import { formNeeded, readFlow, type StoredFlow } from "./stored-flow.ts";
import { verdictOn, type Verdict } from "./verdict.ts";

/** Extended JSON and blanks take more than what is kept. */
const MOST_BYTES_OF_A_LINE = 2 * MOST_BYTES;

/** Stores flows as they were elsewhere, with their ids, dates, owners and status. */
export function importFlows(ctx: Context, env: Env, asked: Import): Promise<ImportReport> {
  const importer: Importer<StoredFlow> = {
    noun: "flow",
    most: MOST_BYTES_OF_A_LINE,
    prepare: async (lines) => {
      const around = { forms: await formsFor(ctx, lines), now: ctx.now(), newStartId: () => crypto.randomUUID() };
      return (line) => readFlow(line, around);
    },
    write: (flows, isDry) => write(ctx, env, flows, isDry),
  };
  return importDocuments(ctx, asked, importer);
}

const THERE = `SELECT value AS key FROM json_each(?1) WHERE EXISTS (SELECT 1 FROM template_revisions
  WHERE template_id = substr(value, 1, instr(value, '/') - 1) AND revision = CAST(substr(value, instr(value, '/') + 1) AS INTEGER))`;

/** Revisions of templates that are there now: what an isolate remembers may have been deleted. */
async function formsFor(ctx: Context, lines: readonly Line[]): Promise<ReadonlyMap<string, TemplateForm>> {
  const keys = [...new Set(lines.flatMap((line) => formNeeded(line) ?? []))];
  if (keys.length === 0) return new Map();
  const there = await inStorage(() => ctx.db.sql(THERE, JSON.stringify(keys)).all<{ key: string }>());
  return findForms(
    ctx.db,
    there.results.map(({ key }) => key),
  );
}

/** Imports at the same time take ids and places from each other. */
const TRIES = 10;

async function write(
  ctx: Context,
  env: Env,
  flows: readonly StoredFlow[],
  isDry: boolean,
): Promise<ReadonlyMap<string, Verdict>> {
  const verdicts = new Map<string, Verdict>();
  let open = flows;
  for (let attempt = 0; open.length > 0; attempt += 1) {
    const { present, places } = await presentFlows(ctx.db, open);
    for (const flow of open) verdicts.set(flow.id, verdictOn(flow, present.get(flow.id)));
    const of = (verdict: Verdict) => open.filter(({ id }) => verdicts.get(id) === verdict);
    const replacing = of("updated").map((flow): Replacing => {
      const before = present.get(flow.id)!.revision;
      return { ...flow, before, revision: Math.max(before + 1, flow.revision) };
    });
    const added = of("imported");
    if (isDry || added.length + replacing.length === 0) break;
    try {
      const written = await commit(ctx, env, await placed(ctx.db, added, places), replacing);
      const lost = new Set(replacing.flatMap(({ id }) => (written.has(id) ? [] : id)));
      open = open.filter(({ id }) => lost.has(id));
    } catch (error) {
      if (!/^flows\.(?:pos|id)$/.test(constraintIn(error) ?? "")) throw error;
      const wanted = new Set([...added, ...replacing].map(({ id }) => id));
      open = open.filter(({ id }) => wanted.has(id));
    }
    if (attempt === TRIES && open.length > 0) throw new AppError("STORAGE_UNAVAILABLE");
  }
  return verdicts;
}

/** Writes flows and all that goes with them in one step. Answers the ids of those that were written. */
async function commit(
  ctx: Context,
  env: Env,
  added: readonly (StoredFlow & { pos: number })[],
  replacing: readonly Replacing[],
): Promise<ReadonlySet<string>> {
  const { db, config } = ctx;
  const now = ctx.now();
  const all = [...added, ...replacing];
  const commands = all.filter((flow) => isMadeLiveHere(ctx, flow)).map((flow) => commandFor(flow, now));
  const insert = insertions(db, added);
  const replace = replacements(db, replacing, config.REVISION_LIMIT);
  const claims = await claimsOfApis(db, env, all, now);
  const ids = added.map(({ id }) => id);
  const results = await inStorage(() =>
    db.batch<{ id?: string }>([...insert, ...replace, ...forgettings(db, ids), ...claims, ...tellings(db, commands)]),
  );
  const replaced = results.slice(insert.length, insert.length + replace.length).flatMap((result) => result.results);
  const written = new Set([...ids, ...replaced.flatMap(({ id }) => id ?? [])]);
  const awaited = new Set([...commands.map(({ id }) => id), ...all.flatMap((flow) => (flow.tries > 0 ? flow.id : []))]);
  const woken = [...awaited].filter((id) => written.has(id));
  if (woken.length > 0) ctx.defer(wakeLater(ctx, woken));
  return written;
}

/** Elsewhere an active flow runs on where it ran; what this service runs itself it must make live. */
const isMadeLiveHere = ({ config }: Context, { status, kind }: StoredFlow): boolean =>
  status === "active" && (kind !== "integration" || config.ORCHESTRATOR === "embedded");

function commandFor(flow: StoredFlow, now: number): Command {
  const { id, startId, revision, updatedAt } = flow;
  const command = commandOf("flow.starting", flow, now);
  return {
    id,
    startId,
    revision,
    updatedAt,
    at: now,
    queue: queueOfCommand(command),
    message: JSON.stringify(command),
  };
}
