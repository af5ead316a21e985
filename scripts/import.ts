/** `npm run import`: moves flows and templates of an Open Integration Hub, or of an export, into the service. */
import { optionsIn, Plain, type Options } from "./import/options.ts";
import { importFile, type Done } from "./import/run.ts";

const grouped = (count: number): string => count.toLocaleString("en-US");

function summary({ file, documents, sent, counts, seconds, report }: Done, { isDry }: Options): string {
  const { imported, updated, unchanged, kept, refusedCount } = counts;
  const rate = Math.round(sent / Math.max(seconds, 0.001));
  const rows: [string, number, string][] = [
    ["imported", imported, "new here"],
    ["updated", updated, "were here and are newer in the file"],
    ["unchanged", unchanged, "were here just so"],
    ["kept", kept, "differ, but what is here is newer, or was or is being started or stopped"],
    ["refused", refusedCount, refusedCount > 0 && report !== undefined ? `see ${report}` : "cannot be stored"],
  ];
  const width = Math.max(...rows.map(([, count]) => grouped(count).length));
  return [
    `${file === "-" ? "Standard input" : file}: ${grouped(documents)} ${documents === 1 ? "document" : "documents"} in ${seconds.toFixed(1)} s (${grouped(rate)}/s)${isDry ? ", a dry run" : ""}`,
    ...rows.map(([name, count, says]) => `  ${name.padEnd(9)}  ${grouped(count).padStart(width)}  ${says}`),
  ].join("\n");
}

/** What is to be done next. */
function advice(all: readonly Done[], { isDry }: Options): string {
  const refused = all.some(({ counts }) => counts.refusedCount > 0);
  const told: string[] = [];
  const empty = all.filter(({ documents, isComplete }) => documents === 0 && isComplete).map(({ file }) => file);
  if (empty.length > 0) told.push(`There is no document in ${empty.join(", ")}. Was the right collection exported?`);
  if (all.some(({ errors }) => errors.has("TEMPLATE_REVISION_NOT_FOUND"))) {
    told.push("Import the templates first: some flows are instances of templates that are not here.");
  }
  if (refused) told.push("Mend what was refused and import the file again: what is here by then stays as it is.");
  if (isDry) told.push("Nothing was written. Leave out --dry-run to import.");
  else if (!refused && empty.length < all.length) {
    told.push("All is here. GET /flows and GET /healthcheck show it; active flows are active.");
  }
  return told.join("\n");
}

/** The first Ctrl-C waits for what is on its way, the second one for nothing. */
function stopping(): { isWanted: () => boolean; signal: AbortSignal } {
  const controller = new AbortController();
  const end = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
    process.stderr.write("\nStopping as soon as what is on its way has been answered …\n");
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, end);
  return { isWanted: () => controller.signal.aborted, signal: controller.signal };
}

async function main(): Promise<number> {
  const options = await optionsIn(process.argv.slice(2));
  const stop = stopping();
  const all: Done[] = [];
  for (const file of options.files) {
    const done = await importFile(file, options, stop);
    all.push(done);
    console.log(summary(done, options));
    if (done.isComplete) continue;
    const how = file === "-" || options.isDry ? "begins anew" : "goes on from here; --restart begins anew";
    console.log(`It was stopped. The same command ${how}.`);
    return 130;
  }
  console.log(advice(all, options));
  return all.some(({ counts, documents }) => counts.refusedCount > 0 || documents === 0) ? 2 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const told = error instanceof Error && !(error instanceof Plain) ? error.stack : undefined;
  process.stderr.write(`\n${told ?? (error instanceof Error ? error.message : "It failed.")}\n`);
  process.exitCode = 1;
}
