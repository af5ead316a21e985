import type { Change } from "./diff.ts";

const MOST_CHARACTERS = 500;
const MOST_IDS = 5;

/** The changes in short sentences. Fewer ids are told if they would become too long. */
export function wordsFor(changes: readonly Change[]): string {
  if (changes.length === 0) return "No change.";
  let words = "";
  for (let most = MOST_IDS; most >= 0; most -= 1) {
    words = sentences(changes, most).join(" ");
    if (words.length <= MOST_CHARACTERS) break;
  }
  return words;
}

const titles = {
  name: "Name",
  description: "Description",
  type: "Type",
  tenant: "Tenant",
  cron: "Cron",
  fromTemplate: "Template",
  flowSettings: "Flow settings",
  values: "Values",
  templateRevision: "Revision of the template",
  workflow: "Workflow",
  api: "API",
} as const;
const entries = ["owner", "node", "edge"] as const;
const kinds = ["added", "removed", "changed"] as const;

function sentences(changes: readonly Change[], mostIds: number): string[] {
  const ofKeys = changes.flatMap(({ what, kind }) =>
    what in titles ? [`${titles[what as keyof typeof titles]} ${kind}.`] : [],
  );
  const ofEntries = entries.flatMap((what) => {
    const all = changes.filter((change) => change.what === what);
    const ids = (kind: Change["kind"]) => all.filter((change) => change.kind === kind).flatMap(({ id }) => id ?? []);
    const order = all.some(({ id }) => id === undefined) ? [`Order of ${what}s changed.`] : [];
    return [...kinds.flatMap((kind) => sentence(what, kind, ids(kind), mostIds)), ...order];
  });
  return [...ofKeys, ...ofEntries];
}

function sentence(what: string, kind: string, ids: readonly string[], most: number): string[] {
  if (ids.length === 0) return [];
  const count = `${ids.length} ${what}${ids.length === 1 ? "" : "s"} ${kind}`;
  if (most === 0) return [`${count}.`];
  const more = ids.length > most ? ` and ${ids.length - most} more` : "";
  return [`${count} (${ids.slice(0, most).map(shown).join(", ")}${more}).`];
}

/** On one line, and never half of a character. */
const shown = (id: string) => id.replaceAll(/[\p{C}\s]+/gu, " ").replace(/^(.{39}).{2,}$/su, "$1…");
