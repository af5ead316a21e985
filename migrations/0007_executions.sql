-- One row per execution, for lists; the execution itself is in its object. Its uuid is its place in the order of
-- beginning, so a beginning writes three rows and an end one.
CREATE TABLE `executions` (
  `uuid` text PRIMARY KEY NOT NULL,
  `flow_id` text NOT NULL,
  `home` text NOT NULL,
  `workflow` text NOT NULL,
  `revision` integer NOT NULL,
  `status` text NOT NULL,
  `started_at` integer NOT NULL,
  `ended_at` integer,
  `outcome` text
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `executions_home` ON `executions` (`home`, `uuid`);
--> statement-breakpoint
CREATE INDEX `executions_flow` ON `executions` (`flow_id`, `uuid`);
--> statement-breakpoint
-- Which flow answers to a name. A row whose flow is not active any more is taken over by the next one that is started.
CREATE TABLE `open_workflows` (
  `scope` text NOT NULL,
  `name` text NOT NULL,
  `flow_id` text NOT NULL,
  PRIMARY KEY (`scope`, `name`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `open_workflows_flow` ON `open_workflows` (`flow_id`);
--> statement-breakpoint
CREATE TRIGGER `open_workflows_flow_delete` AFTER DELETE ON `flows` WHEN OLD.document ->> '$.kind' = 'workflow' BEGIN
  DELETE FROM `open_workflows` WHERE `flow_id` = OLD.id;
END;
--> statement-breakpoint
CREATE TABLE `sharables` (
  `token` text PRIMARY KEY NOT NULL,
  `execution` text NOT NULL,
  `of` text NOT NULL,
  `expires_at` integer NOT NULL,
  `payload` text
);
--> statement-breakpoint
CREATE INDEX `sharables_expires` ON `sharables` (`expires_at`);
--> statement-breakpoint
CREATE INDEX `sharables_execution` ON `sharables` (`execution`);
