/** What a directory reads of the database. */

/** More changes than this at once, and all is read anew. */
export const MOST_CHANGES = 500;

export interface Entry {
  readonly basePath: string;
  readonly hostnames: readonly string[];
  readonly flowId: string;
}

export interface LiveRow {
  readonly id: string;
  readonly name: string;
  readonly revision: number;
  readonly document: string;
  readonly home: string | null;
  readonly startedBy: string | null;
  readonly startedIn: string | null;
}

/** Of the last change ever, also if it is not kept any more. */
export const SEQ = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'gateway_changes'), 0) AS seq";
export const ENTRY = `SELECT open_apis.base_path AS "basePath", open_apis.hostnames, open_apis.flow_id AS "flowId"
  FROM open_apis JOIN flows ON flows.id = open_apis.flow_id WHERE flows.status = 'active'`;
export const CLEARS = "SELECT flow_id AS flowId, cache, at FROM gateway_clears";
export const CHANGES = `SELECT seq, "of", id FROM gateway_changes WHERE seq > ?1 ORDER BY seq LIMIT ${MOST_CHANGES + 1}`;
export const CHANGED = `(SELECT id FROM gateway_changes WHERE seq > ?1 AND "of" = ?2)`;
export const LIVE = `SELECT id, name, revision, document, home, started_by AS "startedBy", started_in AS "startedIn" FROM flows WHERE status = 'active'`;

export const EARLIER = `SELECT flow_id AS id, '' AS name, revision, document FROM revisions WHERE flow_id = ?1`;

export interface EntryRow extends Omit<Entry, "hostnames"> {
  readonly hostnames: string;
}

export const entryOf = ({ hostnames, ...entry }: EntryRow): Entry => ({
  ...entry,
  hostnames: JSON.parse(hostnames) as string[],
});
