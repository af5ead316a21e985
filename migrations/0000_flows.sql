CREATE TABLE `dead_letters` (
	`id` text PRIMARY KEY NOT NULL,
	`queue` text NOT NULL,
	`body` text NOT NULL,
	`reason` text NOT NULL,
	`received_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `flow_owners` (
	`owner_id` text NOT NULL,
	`flow_id` text NOT NULL,
	PRIMARY KEY(`owner_id`, `flow_id`)
);
--> statement-breakpoint
CREATE TABLE `flows` (
	`id` text PRIMARY KEY NOT NULL,
	`document` text NOT NULL,
	`name` text GENERATED ALWAYS AS (document ->> '$.name') VIRTUAL,
	`type` text GENERATED ALWAYS AS (document ->> '$.type') VIRTUAL,
	`from_template` text GENERATED ALWAYS AS (document ->> '$.fromTemplate') VIRTUAL,
	`search_text` text NOT NULL,
	`revision` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`status` text NOT NULL,
	`status_seq` integer NOT NULL,
	`start_id` text,
	`started_by` text,
	`started_at` integer,
	`last_error` text,
	`deadline_at` integer,
	`tries` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `flows_created` ON `flows` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `flows_deadline` ON `flows` (`deadline_at`) WHERE deadline_at IS NOT NULL;--> statement-breakpoint
CREATE TABLE `outbox` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`flow_id` text NOT NULL,
	`queue` text NOT NULL,
	`body` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `outbox_flow` ON `outbox` (`flow_id`,`id`);