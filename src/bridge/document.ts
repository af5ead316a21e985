import { inStorage, type Database } from "../db/client.ts";
import type { FlowDocument } from "../flows/model.ts";
import { documentOf, findFlow } from "../flows/store.ts";
import { AppError } from "../platform/errors.ts";
import { toObjectId } from "../platform/ids.ts";

const EARLIER = "SELECT document FROM revisions WHERE flow_id = ?1 AND revision = ?2";

/** The document that a command is about, where it was too large to be part of the command. */
export async function documentOfCommand(db: Database, id: string, revision: number): Promise<FlowDocument> {
  const flowId = toObjectId(id);
  if (flowId === undefined) throw new AppError("INVALID_ID");
  const row = await findFlow(db, flowId, null);
  if (row === undefined) throw new AppError("FLOW_NOT_FOUND");
  if (row.revision === revision) return documentOf(row);
  const { results } = await inStorage(() => db.sql(EARLIER, flowId, revision).all<{ document: string }>());
  const [earlier] = results;
  if (earlier === undefined) throw new AppError("REVISION_NOT_FOUND");
  return documentOf(earlier);
}
