CREATE TABLE `api_drafts` (
  `flow_id` text PRIMARY KEY NOT NULL,
  `base` text NOT NULL,
  `edit` integer NOT NULL,
  `updated_at` integer NOT NULL,
  `updated_by` text NOT NULL,
  `document` text NOT NULL
);
--> statement-breakpoint
-- Which flow answers under a base path. A row whose flow is not active any more is taken over by the next one.
CREATE TABLE `open_apis` (
  `address` text PRIMARY KEY NOT NULL,
  `base_path` text NOT NULL,
  `hostnames` text NOT NULL,
  `flow_id` text NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `open_apis_flow` ON `open_apis` (`flow_id`);
--> statement-breakpoint
-- AUTOINCREMENT: a number is never given twice, or a gateway would miss the change behind it.
CREATE TABLE `gateway_changes` (
  `seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
  `of` text NOT NULL,
  `id` text NOT NULL,
  `at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `gateway_clears` (
  `flow_id` text NOT NULL,
  `cache` text NOT NULL,
  `at` integer NOT NULL,
  PRIMARY KEY (`flow_id`, `cache`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `apps` (
  `id` text PRIMARY KEY NOT NULL,
  `client_id` text NOT NULL,
  `name` text NOT NULL,
  `owners` text NOT NULL,
  `enabled` integer NOT NULL,
  `fields` text NOT NULL,
  `plans` text NOT NULL,
  `secret_hashes` text NOT NULL,
  `tokens_from` integer NOT NULL,
  `created_at` integer NOT NULL,
  `updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `apps_client_id_unique` ON `apps` (`client_id`);
--> statement-breakpoint
CREATE TABLE `app_owners` (
  `owner_id` text NOT NULL,
  `id` text NOT NULL,
  PRIMARY KEY (`owner_id`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `plans` (
  `id` text PRIMARY KEY NOT NULL,
  `owners` text NOT NULL,
  `created_at` integer NOT NULL,
  `updated_at` integer NOT NULL,
  `document` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `plan_owners` (
  `owner_id` text NOT NULL,
  `id` text NOT NULL,
  PRIMARY KEY (`owner_id`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `gateway_traces` (
  `flow_id` text NOT NULL,
  `id` text NOT NULL,
  `status` integer NOT NULL,
  `code` text,
  `method` text NOT NULL,
  `path` text NOT NULL,
  `revision` integer NOT NULL,
  `ms` integer NOT NULL,
  `body` text NOT NULL,
  PRIMARY KEY (`flow_id`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `gateway_traces_id` ON `gateway_traces` (`id`);
--> statement-breakpoint
-- What gateways keep in memory they are told of by the change itself, so that no statement can forget it. Flows that
-- never stood on the gateway cost one look into an index when they become active or inactive.
CREATE TRIGGER `gateway_changes_flow` AFTER UPDATE OF `status`, `document` ON `flows`
  WHEN (NEW.status = 'active' OR OLD.status = 'active')
    AND EXISTS (SELECT 1 FROM `open_apis` WHERE `flow_id` = NEW.id) BEGIN
  INSERT INTO `gateway_changes` (`of`, `id`, `at`) VALUES ('api', NEW.id, unixepoch());
END;
--> statement-breakpoint
CREATE TRIGGER `gateway_flow_delete` AFTER DELETE ON `flows` WHEN OLD.document ->> '$.kind' = 'api' BEGIN
  DELETE FROM `open_apis` WHERE `flow_id` = OLD.id;
  DELETE FROM `api_drafts` WHERE `flow_id` = OLD.id;
  DELETE FROM `gateway_clears` WHERE `flow_id` = OLD.id;
END;
--> statement-breakpoint
CREATE TRIGGER `gateway_clears_insert` AFTER INSERT ON `gateway_clears` BEGIN
  INSERT INTO `gateway_changes` (`of`, `id`, `at`) VALUES ('cache', NEW.flow_id, unixepoch());
END;
--> statement-breakpoint
CREATE TRIGGER `gateway_clears_update` AFTER UPDATE OF `at` ON `gateway_clears` BEGIN
  INSERT INTO `gateway_changes` (`of`, `id`, `at`) VALUES ('cache', NEW.flow_id, unixepoch());
END;
--> statement-breakpoint
CREATE TRIGGER `apps_insert` AFTER INSERT ON `apps` BEGIN
  INSERT OR IGNORE INTO `app_owners` (`owner_id`, `id`) SELECT value ->> '$.id', NEW.id FROM json_each(NEW.owners);
  INSERT INTO `gateway_changes` (`of`, `id`, `at`) VALUES ('app', NEW.client_id, unixepoch());
END;
--> statement-breakpoint
CREATE TRIGGER `apps_update` AFTER UPDATE ON `apps` BEGIN
  INSERT INTO `gateway_changes` (`of`, `id`, `at`) VALUES ('app', NEW.client_id, unixepoch());
END;
--> statement-breakpoint
CREATE TRIGGER `apps_owners_update` AFTER UPDATE OF `owners` ON `apps` WHEN OLD.owners IS NOT NEW.owners BEGIN
  DELETE FROM `app_owners`
    WHERE `id` = OLD.id AND `owner_id` IN (SELECT value ->> '$.id' FROM json_each(OLD.owners));
  INSERT OR IGNORE INTO `app_owners` (`owner_id`, `id`) SELECT value ->> '$.id', NEW.id FROM json_each(NEW.owners);
END;
--> statement-breakpoint
CREATE TRIGGER `apps_delete` AFTER DELETE ON `apps` BEGIN
  DELETE FROM `app_owners`
    WHERE `id` = OLD.id AND `owner_id` IN (SELECT value ->> '$.id' FROM json_each(OLD.owners));
  INSERT INTO `gateway_changes` (`of`, `id`, `at`) VALUES ('app', OLD.client_id, unixepoch());
END;
--> statement-breakpoint
CREATE TRIGGER `plans_insert` AFTER INSERT ON `plans` BEGIN
  INSERT OR IGNORE INTO `plan_owners` (`owner_id`, `id`) SELECT value ->> '$.id', NEW.id FROM json_each(NEW.owners);
  INSERT INTO `gateway_changes` (`of`, `id`, `at`) VALUES ('plan', NEW.id, unixepoch());
END;
--> statement-breakpoint
CREATE TRIGGER `plans_update` AFTER UPDATE ON `plans` BEGIN
  INSERT INTO `gateway_changes` (`of`, `id`, `at`) VALUES ('plan', NEW.id, unixepoch());
END;
--> statement-breakpoint
CREATE TRIGGER `plans_owners_update` AFTER UPDATE OF `owners` ON `plans` WHEN OLD.owners IS NOT NEW.owners BEGIN
  DELETE FROM `plan_owners`
    WHERE `id` = OLD.id AND `owner_id` IN (SELECT value ->> '$.id' FROM json_each(OLD.owners));
  INSERT OR IGNORE INTO `plan_owners` (`owner_id`, `id`) SELECT value ->> '$.id', NEW.id FROM json_each(NEW.owners);
END;
--> statement-breakpoint
CREATE TRIGGER `plans_delete` AFTER DELETE ON `plans` BEGIN
  DELETE FROM `plan_owners`
    WHERE `id` = OLD.id AND `owner_id` IN (SELECT value ->> '$.id' FROM json_each(OLD.owners));
  INSERT INTO `gateway_changes` (`of`, `id`, `at`) VALUES ('plan', OLD.id, unixepoch());
END;
