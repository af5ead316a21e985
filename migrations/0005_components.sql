CREATE TABLE `components` (
  `id` text PRIMARY KEY NOT NULL,
  `name` text NOT NULL,
  `description` text,
  `endpoint` text,
  `binding` text,
  `secret` integer NOT NULL,
  `updated_at` integer NOT NULL,
  `functions` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `snapshots` (
  `flow_id` text NOT NULL,
  `step` text NOT NULL,
  `updated_at` integer NOT NULL,
  `body` text NOT NULL,
  PRIMARY KEY (`flow_id`, `step`)
);
--> statement-breakpoint
-- What the steps of a flow remembered goes with the flow, whoever deletes it.
CREATE TRIGGER `snapshots_flow_delete` AFTER DELETE ON `flows` BEGIN
  DELETE FROM `snapshots` WHERE `flow_id` = OLD.id;
END;
