import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** One row per run, for lists, without a rowid of its own; the run itself is in its object. */
export const runs = sqliteTable(
  "runs",
  {
    flowId: text("flow_id").notNull(),
    status: text("status").notNull(),
    /** Begins with the flow and the time, so that runs of a flow stand in their order. */
    id: text("id").notNull(),
    trigger: text("trigger").notNull(),
    revision: integer("revision").notNull(),
    requestId: text("request_id").notNull(),
    replayOf: text("replay_of"),
    startedAt: integer("started_at").notNull(),
    endedAt: integer("ended_at"),
    /** JSON: why it failed. */
    fault: text("fault"),
    replayedBy: text("replayed_by"),
  },
  (table) => [primaryKey({ columns: [table.flowId, table.status, table.id] })],
);

export const executionStatuses = ["running", "terminated", "failed", "expired"] as const;

/** One row per execution of a workflow, for lists; the execution itself is in its object. */
export const executions = sqliteTable(
  "executions",
  {
    /** Of version 7: in the order in which executions began. */
    uuid: text("uuid").primaryKey(),
    flowId: text("flow_id").notNull(),
    /** Owner under whom the flow was listed when the execution began; empty if it had none. */
    home: text("home").notNull(),
    workflow: text("workflow").notNull(),
    revision: integer("revision").notNull(),
    status: text("status", { enum: executionStatuses }).notNull(),
    startedAt: integer("started_at").notNull(),
    endedAt: integer("ended_at"),
    /** JSON: how it ended. */
    outcome: text("outcome"),
  },
  (table) => [
    index("executions_home").on(table.home, table.uuid),
    index("executions_flow").on(table.flowId, table.uuid),
  ],
);

/** Which flow answers to a workflow's name: within the owner under whom it is listed, and under the empty name for everybody. */
export const openWorkflows = sqliteTable(
  "open_workflows",
  { scope: text("scope").notNull(), name: text("name").notNull(), flowId: text("flow_id").notNull() },
  (table) => [primaryKey({ columns: [table.scope, table.name] }), index("open_workflows_flow").on(table.flowId)],
);

/** Tokens that executions gave out. */
export const sharables = sqliteTable(
  "sharables",
  {
    token: text("token").primaryKey(),
    execution: text("execution").notNull(),
    of: text("of", { enum: ["execution", "payload"] }).notNull(),
    expiresAt: integer("expires_at").notNull(),
    /** JSON; null of an execution. */
    payload: text("payload"),
  },
  (table) => [index("sharables_expires").on(table.expiresAt), index("sharables_execution").on(table.execution)],
);
