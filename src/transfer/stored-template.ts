import { templateStatuses } from "../db/schema.ts";
import { finding, type Finding } from "../flows/findings.ts";
import { textOf } from "../flows/check.ts";
import type { FlowDocument } from "../flows/model.ts";
import { isHexId } from "../platform/ids.ts";
import { isRecord } from "../platform/shape.ts";
import { checkTemplate } from "../templates/check.ts";
import { storedForm } from "../templates/create.ts";
import { TemplateDocument, type TemplateStatus } from "../templates/model.ts";
import { timeIn } from "./extended-json.ts";
import { headIn, IMPORTED, textAsSent, unlessRefused, type Read } from "./head.ts";

/** A template as it was before; instances may follow it. */
export interface EarlierRevision {
  readonly revision: number;
  readonly revisedAt: number;
  readonly note: string;
  /** JSON, without owners. */
  readonly document: string;
}

export interface TemplateToStore {
  readonly id: string;
  readonly status: TemplateStatus;
  readonly tenant: string | null;
  readonly revision: number;
  readonly revisionNote: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly searchText: string;
  readonly document: string;
}

/** A line: a template with what it was before, or only more of that. */
export interface StoredTemplate {
  readonly id: string;
  readonly template: TemplateToStore | undefined;
  readonly earlier: readonly EarlierRevision[];
}

/** A plain line as a template, or all that is wrong with it. */
export function readTemplate(line: Record<string, unknown>): Read<StoredTemplate> {
  if (line["revisionsOf"] !== undefined) return readMore(line);
  const { id, head, findings: faults } = headIn(line);
  const found = earlierIn(line["revisions"]);
  const owners = line["owners"] ?? [];
  const checked = checkTemplate({ ...line, owners, status: undefined }, "lenient");
  const findings = [...faults, ...(checked.ok ? [] : checked.findings), ...found.findings];
  if (head === undefined || !checked.ok || findings.length > 0) return { ok: false, id, findings };
  const form = unlessRefused(() => storedForm(checked.document));
  if (!("document" in form)) return { ok: false, id, findings: form };
  const { createdAt, updatedAt, revision, revisionNote } = head;
  const template: TemplateToStore = {
    id: head.id,
    status: templateStatuses.find((status) => status === line["status"]) ?? "draft",
    tenant: checked.document.tenant ?? null,
    revision,
    revisionNote,
    createdAt,
    updatedAt,
    searchText: form.searchText,
    document: textAsSent(line, form.document, TemplateDocument.shape),
  };
  const earlier = found.earlier.filter((one) => one.revision < revision);
  return { ok: true, stored: { id: head.id, template, earlier } };
}

function readMore(line: Record<string, unknown>): Read<StoredTemplate> {
  const { revisionsOf: of } = line;
  const id = typeof of === "string" && isHexId(of) ? of.toLowerCase() : undefined;
  const { earlier, findings: faults } = earlierIn(line["revisions"]);
  const findings = [
    ...(id === undefined ? [finding("ID_INVALID", ["revisionsOf"], "An id has 24 hexadecimal digits.")] : []),
    ...faults,
  ];
  if (id === undefined || findings.length > 0) return { ok: false, id, findings };
  return { ok: true, stored: { id, template: undefined, earlier } };
}

const MOST_TOLD = 100;

function earlierIn(sent: unknown): { earlier: EarlierRevision[]; findings: Finding[] } {
  if (sent === undefined || sent === null) return { earlier: [], findings: [] };
  if (!Array.isArray(sent)) return { earlier: [], findings: [finding("WRONG_TYPE", ["revisions"], "It is no list.")] };
  const read = sent.map((one: unknown, at) => revisionIn(one, ["revisions", at]));
  const findings = read.flatMap((one) => ("findings" in one ? one.findings : [])).slice(0, MOST_TOLD);
  return { earlier: read.flatMap((one) => ("findings" in one ? [] : [one])), findings };
}

function revisionIn(sent: unknown, at: readonly PropertyKey[]): EarlierRevision | { readonly findings: Finding[] } {
  const { revision, at: time, note = IMPORTED, document } = isRecord(sent) ? sent : {};
  const revisedAt = timeIn(time);
  const isNumber = Number.isInteger(revision) && (revision as number) > 0;
  if (!isNumber || revisedAt === undefined || typeof note !== "string" || !isRecord(document)) {
    return { findings: [finding("WRONG_TYPE", at, "A revision has a number, a time, a note and a document.")] };
  }
  const checked = checkTemplate({ ...document, owners: [] }, "lenient");
  if (!checked.ok) {
    const place = finding("", [...at, "document"], "").pointer;
    return { findings: checked.findings.map((one) => ({ ...one, pointer: place + one.pointer })) };
  }
  const { owners: _, ...rest } = checked.document;
  const text = unlessRefused(() => textOf(rest as unknown as FlowDocument));
  if (typeof text !== "string") return { findings: [...text] };
  const kept = textAsSent(document, text, TemplateDocument.shape);
  return { revision: revision as number, revisedAt, note: note.slice(0, 500), document: kept };
}
