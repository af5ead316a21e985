import { flowStatuses } from "../db/schema.ts";
import { checkFlow } from "../flows/check.ts";
import { finding, type Finding } from "../flows/findings.ts";
import { formKey, keptText, toldDocument } from "../flows/instance.ts";
import { FlowDocument, type FlowKind, type FlowStatus, type Owner } from "../flows/model.ts";
import type { WholeRow } from "../flows/store.ts";
import type { TemplateForm } from "../flows/variables.ts";
import { storedForm } from "../flows/write.ts";
import { toObjectId } from "../platform/ids.ts";
import { isRecord } from "../platform/shape.ts";
import { headIn, textAsSent, unlessRefused, type Read } from "./head.ts";

/** A flow as it is to be stored. Its place is given later. */
export interface StoredFlow extends Omit<WholeRow, "pos" | "name" | "type" | "fromTemplate" | "template"> {
  /** The document as it is kept; `document` is told with the graph of the template. */
  readonly kept: string;
  readonly kind: FlowKind;
  /** What the line itself says of the start; undefined if it says nothing. */
  readonly sentStartId: string | null | undefined;
}

export interface Around {
  /** Revisions of templates that instances follow, by their keys. */
  readonly forms: ReadonlyMap<string, TemplateForm>;
  readonly now: number;
  readonly newStartId: () => string;
}

/** The template's revision without which a line cannot be read. */
export function formNeeded(line: Record<string, unknown>): string | undefined {
  const { fromTemplate, instance } = line;
  const id = toObjectId(fromTemplate);
  const revision = isRecord(instance) ? instance["revision"] : undefined;
  return id !== undefined && Number.isSafeInteger(revision) ? formKey(id, revision as number) : undefined;
}

/** A plain line as a row of flows, or all that is wrong with it. */
export function readFlow(line: Record<string, unknown>, around: Around): Read<StoredFlow> {
  const { id, head, own, startedAt, findings: faults } = headIn(line);
  const status = statusIn(line["status"]);
  const ofStatus =
    status === undefined
      ? [finding("STATUS_UNKNOWN", ["status"], `A flow is ${flowStatuses.join(", ")}.`, "Nothing means inactive.")]
      : [];
  const read = documentIn(line, around);
  const findings = [...faults, ...ofStatus, ...("findings" in read ? read.findings : [])];
  if (head === undefined || status === undefined || "findings" in read) return { ok: false, id, findings };
  const form = unlessRefused(() => storedForm(read.document));
  if (!("document" in form)) return { ok: false, id, findings: form };
  const { owners } = read.document;
  const isLive = status !== "inactive";
  const waits = status === "starting" || status === "stopping";
  const runs = status === "starting" || status === "active";
  return {
    ok: true,
    stored: {
      ...head,
      home: form.home,
      document: form.document,
      searchText: form.searchText,
      kept: textAsSent(line, keptText(form.document), FlowDocument.shape),
      kind: read.document.kind ?? "integration",
      revisedBy: null,
      status,
      statusSeq: own.statusSeq ?? 0,
      startId: own.startId ?? (isLive ? around.newStartId() : null),
      sentStartId: own.startId,
      // The original keeps neither who started a flow nor when; its flows change no more once they are started.
      startedBy: own.startedBy === undefined ? (isLive ? ownerOf(owners, "user", owners[0]) : null) : own.startedBy,
      startedIn: own.startedIn === undefined ? (isLive ? ownerOf(owners, "tenant") : null) : own.startedIn,
      startedAt: startedAt === undefined ? (runs ? head.updatedAt : null) : startedAt,
      lastError: own.lastError ? JSON.stringify(own.lastError) : null,
      deadlineAt: waits ? around.now : null,
      tries: waits ? 1 : 0,
    },
  };
}

function statusIn(sent: unknown): FlowStatus | undefined {
  if (sent === undefined || sent === null || sent === "") return "inactive";
  return flowStatuses.find((status) => status === sent);
}

const ownerOf = (owners: readonly Owner[], type: string, otherwise?: Owner): string | null =>
  (owners.find((owner) => owner.type === type) ?? otherwise)?.id ?? null;

type Document = { readonly document: FlowDocument } | { readonly findings: readonly Finding[] };

function documentIn(line: Record<string, unknown>, { forms }: Around): Document {
  const { instance, ...plain } = { ...line, status: undefined, owners: line["owners"] ?? [] } as Record<
    string,
    unknown
  >;
  if (instance === undefined || instance === null) return checked(plain);
  const key = formNeeded(line);
  const form = key === undefined ? undefined : forms.get(key);
  const values = isRecord(instance) ? (instance["values"] ?? {}) : undefined;
  if (!isRecord(instance) || !isRecord(values)) {
    return { findings: [finding("WRONG_TYPE", ["instance"], "An instance has a revision and values.")] };
  }
  if (form === undefined) return { findings: [templateMissing(plain["fromTemplate"], instance["revision"])] };
  const revision = instance["revision"] as number;
  const kept = { ...(plain as Omit<FlowDocument, "graph">), fromTemplate: toObjectId(plain["fromTemplate"])! };
  return checked(toldDocument({ ...kept, instance: { revision, values } }, form));
}

function checked(input: unknown): Document {
  const found = checkFlow(input, "lenient");
  return found.ok ? { document: found.document } : { findings: found.findings };
}

const templateMissing = (template: unknown, revision: unknown): Finding =>
  finding(
    "TEMPLATE_REVISION_NOT_FOUND",
    ["fromTemplate"],
    `Revision ${shown(revision)} of the template ${shown(template)} is not here.`,
    "Import the templates first, then the flows.",
  );

const shown = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 60);
