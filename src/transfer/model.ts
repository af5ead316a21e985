import { z } from "zod";

import { FlowDocument, FlowStatus, LastError } from "../flows/model.ts";
import { TemplateDocument, TemplateStatus } from "../templates/model.ts";

const time = (description: string) => z.iso.datetime().meta({ description, example: "2026-11-22T02:56:36.545Z" });
const id = (description: string) => z.string().meta({ description, example: "6b0259e4ef2fe4ca09ca001d" });
const account = (description: string) =>
  z.string().nullable().meta({ description, example: "5c0000000000000000000002" });
const number = (description: string, example: number) => z.int().meta({ description, example });
const note = z.string().meta({ description: "What that revision changed, in words.", example: "Name changed." });

/** A line of an export of flows. */
export const ExportedFlow = FlowDocument.partial({ graph: true })
  .extend({
    id: id("Names the flow."),
    status: FlowStatus,
    createdAt: time("When the flow was stored first."),
    updatedAt: time("When the document or the status changed last."),
    revision: number("Number of the document.", 3),
    revisedAt: time("When the present revision was made."),
    revisionNote: note,
    statusSeq: number("Number of the last transition of the status.", 2),
    startId: z.string().nullable().optional().meta({
      description: "Names the last start. Only for the permission `all`.",
      example: "0b9c8a51-6a0e-4c12-9d9d-2f1d4f3f8a77",
    }),
    startedBy: account("Account that started the flow last."),
    startedIn: account(
      "Its tenant: with the account it says whose secrets runs may use. Only for the permission `all`.",
    ).optional(),
    startedAt: time("When the flow was started last.").nullable(),
    lastError: LastError.nullable(),
  })
  .meta({
    id: "ExportedFlow",
    description:
      "A line of an export: the document as it is kept, and its state. An instance has no graph, but its template's.",
  });

const Earlier = z
  .object({
    revision: number("Its number.", 2),
    at: time("When it was made."),
    note,
    document: TemplateDocument.omit({ owners: true }).meta({
      id: "EarlierTemplateDocument",
      description: "The document as it was, without owners.",
    }),
  })
  .meta({ id: "EarlierTemplateRevision", description: "What a template was before; instances may follow it." });
const revisions = z
  .array(Earlier)
  .meta({ description: "What the template was before. Only for whoever may write it." });

const WholeTemplate = TemplateDocument.extend({
  id: id("Names the template."),
  status: TemplateStatus,
  createdAt: time("When the template was stored first."),
  updatedAt: time("When it was changed last."),
  revision: number("Number of the document.", 3),
  revisionNote: note,
  revisions: revisions.optional(),
}).meta({ id: "ExportedTemplate", description: "A template with what it was before." });

const MoreRevisions = z
  .object({ revisionsOf: id("Id of the template, which stands on a line before."), revisions })
  .meta({ id: "ExportedTemplateRevisions", description: "What has no room on the line of the template." });

/** A line of an export of templates. */
export const ExportedTemplateLine = z.union([WholeTemplate, MoreRevisions]).meta({
  id: "ExportedTemplateLine",
  description: "A line of an export of templates.",
});
