import { checkApi } from "../apis/check.ts";
import { timeOf } from "../flows/store.ts";
import type { Answer } from "../platform/http.ts";
import { findingsOf } from "./api-findings.ts";
import { type ApiState, draftTag, hashOf } from "./drafts.ts";

/** Where APIs stand on the service's own host. */
const PREFIX = "/gateway";

/** An API at a glance: what is saved of it, and whether something is not. */
export async function overviewOf(state: ApiState) {
  const { row, saved, api } = state;
  const checked = checkApi(api);
  return {
    id: row.id,
    name: row.name,
    status: row.status,
    revision: row.revision,
    basePath: saved.basePath,
    address: `${PREFIX}${saved.basePath}`,
    hostnames: saved.hostnames ?? [],
    draft: await draftFacts(state),
    plans: saved.plans,
    resources: saved.resources.length,
    warnings: findingsOf(checked.ok ? checked.warnings : checked.faults),
  };
}

/** What there is to know of a draft beside its document; null if nothing is unsaved. */
export async function draftFacts({ saved, draft }: ApiState) {
  if (draft === undefined) return null;
  return {
    edits: draft.edit,
    updatedAt: timeOf(draft.updatedAt),
    updatedBy: draft.updatedBy,
    outdated: draft.base !== (await hashOf(saved)),
  };
}

/** Tells an API at a glance. */
export async function overviewAnswer(state: ApiState, status: 200 | 201 = 200, meta: object = {}): Promise<Answer> {
  return {
    status,
    etag: draftTag(state),
    about: [state.row.id],
    body: JSON.stringify({ data: await overviewOf(state), meta }),
  };
}

/** Tells the document of a draft. */
export async function draftAnswer(state: ApiState): Promise<Answer> {
  const checked = checkApi(state.api);
  const meta = {
    draft: await draftFacts(state),
    warnings: findingsOf(checked.ok ? checked.warnings : checked.faults),
  };
  return { status: 200, etag: draftTag(state), body: JSON.stringify({ data: state.api, meta }) };
}
