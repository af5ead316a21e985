import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

export * from "./runtimes.ts";
export * from "./gateway.ts";

export const flowStatuses = ["inactive", "starting", "active", "stopping"] as const;

/** One row per flow, the only home of its document, revision and status. */
export const flows = sqliteTable(
  "flows",
  {
    /** Place in the order of creation: the millisecond times 1024, and a number within it. */
    pos: integer("pos").primaryKey(),
    id: text("id").notNull().unique(),
    /** The owner under whom the flow is listed; null if it has none. */
    home: text("home"),
    /** The beginning of the name, to sort by; empty if there is none. */
    name: text("name")
      .notNull()
      .generatedAlwaysAs(sql`substr(coalesce(document ->> '$.name', ''), 1, 200)`, { mode: "stored" }),
    /** The beginning of the type. */
    type: text("type").generatedAlwaysAs(sql`substr(document ->> '$.type', 1, 200)`, { mode: "stored" }),
    fromTemplate: text("from_template").generatedAlwaysAs(sql`document ->> '$.fromTemplate'`, { mode: "stored" }),
    revision: integer("revision").notNull(),
    /** When the present revision was made, by whom, and what it changed in words. */
    revisedAt: integer("revised_at").notNull(),
    revisedBy: text("revised_by"),
    revisionNote: text("revision_note").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    status: text("status", { enum: flowStatuses }).notNull(),
    statusSeq: integer("status_seq").notNull(),
    startId: text("start_id"),
    startedBy: text("started_by"),
    /** Tenant of whoever started the flow: with the account it says whose secrets its runs may open. */
    startedIn: text("started_in"),
    startedAt: integer("started_at"),
    /** JSON: why the last start or stop did not go well. */
    lastError: text("last_error"),
    /** When the present command counts as unanswered. */
    deadlineAt: integer("deadline_at"),
    /** How often the present command was sent. */
    tries: integer("tries").notNull(),
    /** What the search index holds of the flow: marks of its facets, then name and description, folded. */
    searchText: text("search_text").notNull(),
    /** JSON: what a client may write, owners included. Last, since what stands behind a long text is slow to reach. */
    document: text("document").notNull(),
  },
  (table) => [
    index("flows_home_created").on(table.home, table.status),
    index("flows_home_updated").on(table.home, table.status, table.updatedAt, table.pos, table.type),
    index("flows_home_name").on(table.home, table.status, table.name, table.pos, table.type),
    index("flows_updated").on(table.status, table.updatedAt),
    index("flows_name").on(table.name),
  ],
);

/** Owners other than the one under whom a flow is listed, kept by triggers from `flows.document`. */
export const flowShares = sqliteTable(
  "flow_shares",
  { ownerId: text("owner_id").notNull(), home: text("home").notNull(), pos: integer("pos").notNull() },
  (table) => [primaryKey({ columns: [table.ownerId, table.home, table.pos] })],
);

/** How many flows of each status a home has, and under the empty name all together. Kept by triggers. */
export const flowCounts = sqliteTable("flow_counts", {
  scope: text("scope").primaryKey(),
  inactive: integer("inactive").notNull(),
  starting: integer("starting").notNull(),
  active: integer("active").notNull(),
  stopping: integer("stopping").notNull(),
});

/** How many flows of a home have this type or template, and under the empty name all together. Kept by triggers. */
export const facetCounts = sqliteTable(
  "facet_counts",
  {
    facet: text("facet", { enum: ["type", "fromTemplate"] }).notNull(),
    value: text("value").notNull(),
    scope: text("scope").notNull(),
    flows: integer("flows").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.facet, table.value, table.scope] }),
    index("facet_counts_none")
      .on(table.flows)
      .where(sql`flows <= 0`),
  ],
);

/** Documents that were replaced, kept by a trigger; the present one stands in `flows`. */
export const revisions = sqliteTable(
  "revisions",
  {
    flowId: text("flow_id").notNull(),
    revision: integer("revision").notNull(),
    document: text("document").notNull(),
    revisedAt: integer("revised_at").notNull(),
    revisedBy: text("revised_by"),
    revisionNote: text("revision_note").notNull(),
  },
  (table) => [primaryKey({ columns: [table.flowId, table.revision] }), index("revisions_reviser").on(table.revisedBy)],
);

export const outboxQueues = ["commands", "notices", "chores"] as const;

/** Messages that were committed with a change and that no queue has taken yet. */
export const outbox = sqliteTable(
  "outbox",
  {
    flowId: text("flow_id").notNull(),
    /** Orders the messages of one flow; unique among those that wait. */
    seq: integer("seq").notNull(),
    queue: text("queue", { enum: outboxQueues }).notNull(),
    body: text("body").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.flowId, table.seq] })],
);

/** What requests with an Idempotency-Key were answered, committed with what they changed. */
export const idempotency = sqliteTable(
  "idempotency",
  {
    /** Hash of account and key. */
    key: text("key").primaryKey(),
    /** Hash of the request. */
    fingerprint: text("fingerprint").notNull(),
    /** JSON of the answer; null while a request in several steps is under way. */
    answer: text("answer"),
    expiresAt: integer("expires_at").notNull(),
  },
  (table) => [index("idempotency_expires").on(table.expiresAt)],
);

/** Messages that could not be handled, kept until an operator replays them. */
export const deadLetters = sqliteTable("dead_letters", {
  id: text("id").primaryKey(),
  queue: text("queue").notNull(),
  body: text("body").notNull(),
  reason: text("reason").notNull(),
  receivedAt: integer("received_at").notNull(),
});

/** Credentials that flows name as `credentials_id`; only their encrypted values are kept. */
export const secrets = sqliteTable("secrets", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  type: text("type").notNull(),
  /** JSON: who may use and change it. */
  owners: text("owners").notNull(),
  /** Which of the keys encrypted the value. */
  keyId: text("key_id").notNull(),
  iv: text("iv").notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
  /** Last, since what stands behind a long text is slow to reach. */
  ciphertext: text("ciphertext").notNull(),
});

/** Who owns which secrets, kept by triggers from `secrets.owners`. */
export const secretOwners = sqliteTable(
  "secret_owners",
  { ownerId: text("owner_id").notNull(), id: text("id").notNull() },
  (table) => [primaryKey({ columns: [table.ownerId, table.id] })],
);

/** Components that an admin mapped: where the work of steps is done that name their ids. */
export const components = sqliteTable("components", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  description: text("description"),
  /** One of both: an address, or a service binding of the Worker. */
  endpoint: text("endpoint"),
  binding: text("binding"),
  /** Whether it gets the values of secrets. */
  secret: integer("secret", { mode: "boolean" }).notNull(),
  updatedAt: integer("updated_at").notNull(),
  /** JSON: what it can do. */
  functions: text("functions").notNull(),
});

/** What a step of a flow remembers from one message to the next; goes with the flow. */
export const snapshots = sqliteTable(
  "snapshots",
  {
    flowId: text("flow_id").notNull(),
    step: text("step").notNull(),
    updatedAt: integer("updated_at").notNull(),
    /** JSON. */
    body: text("body").notNull(),
  },
  (table) => [primaryKey({ columns: [table.flowId, table.step] })],
);

export const templateStatuses = ["draft", "published"] as const;

/** One row per template. Its revisions, who may read it and its instances stand in tables that triggers keep. */
export const templates = sqliteTable(
  "templates",
  {
    id: text("id").primaryKey(),
    /** The beginning of the name, to sort by; empty if there is none. */
    name: text("name")
      .notNull()
      .generatedAlwaysAs(sql`substr(coalesce(document ->> '$.name', ''), 1, 200)`, { mode: "stored" }),
    status: text("status", { enum: templateStatuses }).notNull(),
    /** The tenant of whoever made it, which may read it once it is published. */
    tenant: text("tenant"),
    revision: integer("revision").notNull(),
    revisedBy: text("revised_by"),
    revisionNote: text("revision_note").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    /** Name and description, folded. */
    searchText: text("search_text").notNull(),
    /** JSON: what a client may write but the status. Last, since what stands behind a long text is slow to reach. */
    document: text("document").notNull(),
  },
  (table) => [index("templates_reviser").on(table.revisedBy)],
);

/** Every document that a template had, the present one too, without owners; instances have their graph from here. */
export const templateRevisions = sqliteTable(
  "template_revisions",
  {
    templateId: text("template_id").notNull(),
    revision: integer("revision").notNull(),
    revisedAt: integer("revised_at").notNull(),
    revisedBy: text("revised_by"),
    revisionNote: text("revision_note").notNull(),
    document: text("document").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.templateId, table.revision] }),
    index("template_revisions_reviser").on(table.revisedBy),
  ],
);

/** Who may read which template, and whether they may write it too. Kept by triggers. */
export const templateReaders = sqliteTable(
  "template_readers",
  {
    ownerId: text("owner_id").notNull(),
    templateId: text("template_id").notNull(),
    writes: integer("writes").notNull(),
  },
  (table) => [primaryKey({ columns: [table.ownerId, table.templateId] })],
);

/** Which flows are instances of which revision of a template. Kept by triggers from `flows.document`. */
export const templateInstances = sqliteTable(
  "template_instances",
  { templateId: text("template_id").notNull(), pos: integer("pos").notNull(), revision: integer("revision").notNull() },
  (table) => [primaryKey({ columns: [table.templateId, table.pos] })],
);
