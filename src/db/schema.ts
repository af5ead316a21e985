import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const flowStatuses = ["inactive", "starting", "active", "stopping"] as const;

/** One row per flow, the only home of its document, revision and status. */
export const flows = sqliteTable(
  "flows",
  {
    id: text("id").primaryKey(),
    /** JSON: what a client may write, owners included. */
    document: text("document").notNull(),
    name: text("name").generatedAlwaysAs(sql`document ->> '$.name'`, { mode: "virtual" }),
    type: text("type").generatedAlwaysAs(sql`document ->> '$.type'`, { mode: "virtual" }),
    fromTemplate: text("from_template").generatedAlwaysAs(sql`document ->> '$.fromTemplate'`, { mode: "virtual" }),
    /** Name and description, folded for search. */
    searchText: text("search_text").notNull(),
    revision: integer("revision").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    status: text("status", { enum: flowStatuses }).notNull(),
    statusSeq: integer("status_seq").notNull(),
    startId: text("start_id"),
    startedBy: text("started_by"),
    startedAt: integer("started_at"),
    /** JSON: why the last start or stop did not go well. */
    lastError: text("last_error"),
    /** When the present command counts as unanswered. */
    deadlineAt: integer("deadline_at"),
    /** How often the present command was sent. */
    tries: integer("tries").notNull(),
  },
  (table) => [
    index("flows_created").on(table.createdAt, table.id),
    index("flows_deadline")
      .on(table.deadlineAt)
      .where(sql`deadline_at IS NOT NULL`),
  ],
);

/** Who owns what, kept by triggers from `flows.document`; no code writes it. */
export const flowOwners = sqliteTable(
  "flow_owners",
  { ownerId: text("owner_id").notNull(), flowId: text("flow_id").notNull() },
  (table) => [primaryKey({ columns: [table.ownerId, table.flowId] })],
);

export const outboxQueues = ["commands", "notices"] as const;

/** Messages that were committed with a change and that no queue has taken yet. */
export const outbox = sqliteTable(
  "outbox",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    flowId: text("flow_id").notNull(),
    queue: text("queue", { enum: outboxQueues }).notNull(),
    body: text("body").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [index("outbox_flow").on(table.flowId, table.id)],
);

/** Messages that could not be handled, kept until an operator replays them. */
export const deadLetters = sqliteTable("dead_letters", {
  id: text("id").primaryKey(),
  queue: text("queue").notNull(),
  body: text("body").notNull(),
  reason: text("reason").notNull(),
  receivedAt: integer("received_at").notNull(),
});
