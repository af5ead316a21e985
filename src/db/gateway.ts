import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** What is being edited of an API and not saved yet; goes with the flow. */
export const apiDrafts = sqliteTable("api_drafts", {
  flowId: text("flow_id").primaryKey(),
  /** Hash of the API in the flow from which the draft was made. */
  base: text("base").notNull(),
  /** Counts the edits. */
  edit: integer("edit").notNull(),
  updatedAt: integer("updated_at").notNull(),
  updatedBy: text("updated_by").notNull(),
  /** JSON: the API. */
  document: text("document").notNull(),
});

/** Which flow answers under a base path. */
export const openApis = sqliteTable(
  "open_apis",
  {
    /** The base path as paths are compared. */
    address: text("address").primaryKey(),
    basePath: text("base_path").notNull(),
    /** JSON: host names of its own. */
    hostnames: text("hostnames").notNull(),
    flowId: text("flow_id").notNull(),
  },
  (table) => [index("open_apis_flow").on(table.flowId)],
);

/** What changed that gateways keep in memory, in its order. Kept by triggers, for some minutes. */
export const gatewayChanges = sqliteTable("gateway_changes", {
  seq: integer("seq").primaryKey({ autoIncrement: true }),
  of: text("of", { enum: ["api", "app", "plan", "cache"] }).notNull(),
  id: text("id").notNull(),
  /** Seconds since 1970. */
  at: integer("at").notNull(),
});

/** When the answers in a cache of an API were declared too old. */
export const gatewayClears = sqliteTable(
  "gateway_clears",
  { flowId: text("flow_id").notNull(), cache: text("cache").notNull(), at: integer("at").notNull() },
  (table) => [primaryKey({ columns: [table.flowId, table.cache] })],
);

/** Apps that call APIs. */
export const apps = sqliteTable("apps", {
  id: text("id").primaryKey(),
  clientId: text("client_id").notNull().unique(),
  name: text("name").notNull(),
  /** JSON: who may see and change it. */
  owners: text("owners").notNull(),
  enabled: integer("enabled", { mode: "boolean" }).notNull(),
  /** JSON: further fields by name. */
  fields: text("fields").notNull(),
  /** JSON: ids of its plans. */
  plans: text("plans").notNull(),
  /** JSON: SHA-256 of each of its secrets that are good. */
  secretHashes: text("secret_hashes").notNull(),
  tokensFrom: integer("tokens_from").notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

/** Who owns which apps, kept by triggers from `apps.owners`. */
export const appOwners = sqliteTable(
  "app_owners",
  { ownerId: text("owner_id").notNull(), id: text("id").notNull() },
  (table) => [primaryKey({ columns: [table.ownerId, table.id] })],
);

/** Plans through which apps call APIs. */
export const plans = sqliteTable("plans", {
  id: text("id").primaryKey(),
  /** JSON: who may see and change it, and give it to apps. */
  owners: text("owners").notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
  /** JSON: name, description, interceptors. */
  document: text("document").notNull(),
});

/** Who owns which plans, kept by triggers from `plans.owners`. */
export const planOwners = sqliteTable(
  "plan_owners",
  { ownerId: text("owner_id").notNull(), id: text("id").notNull() },
  (table) => [primaryKey({ columns: [table.ownerId, table.id] })],
);

/** Traces of calls, kept for some days. */
export const gatewayTraces = sqliteTable(
  "gateway_traces",
  {
    flowId: text("flow_id").notNull(),
    /** Begins with the time, so that traces of a flow stand in their order. */
    id: text("id").notNull(),
    status: integer("status").notNull(),
    code: text("code"),
    method: text("method").notNull(),
    path: text("path").notNull(),
    revision: integer("revision").notNull(),
    ms: integer("ms").notNull(),
    /** JSON. */
    body: text("body").notNull(),
  },
  (table) => [primaryKey({ columns: [table.flowId, table.id] }), index("gateway_traces_id").on(table.id)],
);
