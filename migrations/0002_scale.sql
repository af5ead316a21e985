-- Rebuilds flows under a numeric key in the order of creation. Nothing refers to the table, so nothing is lost with it.
DROP TRIGGER `flows_owners_insert`;
--> statement-breakpoint
DROP TRIGGER `flows_owners_update`;
--> statement-breakpoint
DROP TRIGGER `flows_owners_delete`;
--> statement-breakpoint
DROP TABLE `flow_owners`;
--> statement-breakpoint
CREATE TABLE `flows_next` (
  `pos` integer PRIMARY KEY NOT NULL,
  `id` text NOT NULL,
  `home` text,
  `name` text GENERATED ALWAYS AS (substr(coalesce(document ->> '$.name', ''), 1, 200)) STORED NOT NULL,
  `type` text GENERATED ALWAYS AS (substr(document ->> '$.type', 1, 200)) STORED,
  `from_template` text GENERATED ALWAYS AS (document ->> '$.fromTemplate') STORED,
  `revision` integer NOT NULL,
  `revised_at` integer NOT NULL,
  `revised_by` text,
  `revision_note` text NOT NULL,
  `created_at` integer NOT NULL,
  `updated_at` integer NOT NULL,
  `status` text NOT NULL,
  `status_seq` integer NOT NULL,
  `start_id` text,
  `started_by` text,
  `started_in` text,
  `started_at` integer,
  `last_error` text,
  `deadline_at` integer,
  `tries` integer NOT NULL,
  `search_text` text NOT NULL,
  `document` text NOT NULL
);
--> statement-breakpoint
INSERT INTO `flows_next` (`pos`, `id`, `home`, `revision`, `revised_at`, `revision_note`, `created_at`, `updated_at`,
    `status`, `status_seq`, `start_id`, `started_by`, `started_at`, `last_error`, `deadline_at`, `tries`, `search_text`, `document`)
  SELECT `created_at` * 1024 + row_number() OVER (PARTITION BY `created_at` ORDER BY `id`) - 1,
    `id`,
    coalesce(
      (SELECT value ->> '$.id' FROM json_each(`document`, '$.owners') WHERE value ->> '$.type' = 'tenant' LIMIT 1),
      (SELECT value ->> '$.id' FROM json_each(`document`, '$.owners') LIMIT 1)
    ),
    `revision`, `updated_at`, '', `created_at`, `updated_at`,
    `status`, `status_seq`, `start_id`, `started_by`, `started_at`, `last_error`, `deadline_at`, `tries`, `search_text`, `document`
  FROM `flows`;
--> statement-breakpoint
DROP TABLE `flows`;
--> statement-breakpoint
ALTER TABLE `flows_next` RENAME TO `flows`;
--> statement-breakpoint
CREATE UNIQUE INDEX `flows_id_unique` ON `flows` (`id`);
--> statement-breakpoint
CREATE INDEX `flows_home_created` ON `flows` (`home`, `status`);
--> statement-breakpoint
CREATE INDEX `flows_home_updated` ON `flows` (`home`, `status`, `updated_at`, `pos`, `type`);
--> statement-breakpoint
CREATE INDEX `flows_home_name` ON `flows` (`home`, `status`, `name`, `pos`, `type`);
--> statement-breakpoint
CREATE INDEX `flows_updated` ON `flows` (`status`, `updated_at`);
--> statement-breakpoint
CREATE INDEX `flows_name` ON `flows` (`name`);
--> statement-breakpoint
CREATE TABLE `flow_shares` (
  `owner_id` text NOT NULL,
  `home` text NOT NULL,
  `pos` integer NOT NULL,
  PRIMARY KEY (`owner_id`, `home`, `pos`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `flow_counts` (
  `scope` text PRIMARY KEY NOT NULL,
  `inactive` integer NOT NULL,
  `starting` integer NOT NULL,
  `active` integer NOT NULL,
  `stopping` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `facet_counts` (
  `facet` text NOT NULL,
  `value` text NOT NULL,
  `scope` text NOT NULL,
  `flows` integer NOT NULL,
  PRIMARY KEY (`facet`, `value`, `scope`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `facet_counts_none` ON `facet_counts` (`flows`) WHERE flows <= 0;
--> statement-breakpoint
CREATE TABLE `revisions` (
  `flow_id` text NOT NULL,
  `revision` integer NOT NULL,
  `document` text NOT NULL,
  `revised_at` integer NOT NULL,
  `revised_by` text,
  `revision_note` text NOT NULL,
  PRIMARY KEY (`flow_id`, `revision`)
);
--> statement-breakpoint
CREATE INDEX `revisions_reviser` ON `revisions` (`revised_by`);
--> statement-breakpoint
CREATE TABLE `idempotency` (
  `key` text PRIMARY KEY NOT NULL,
  `fingerprint` text NOT NULL,
  `answer` text,
  `expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `idempotency_expires` ON `idempotency` (`expires_at`);
--> statement-breakpoint
CREATE TABLE `outbox_next` (
  `flow_id` text NOT NULL,
  `seq` integer NOT NULL,
  `queue` text NOT NULL,
  `body` text NOT NULL,
  `created_at` integer NOT NULL,
  PRIMARY KEY (`flow_id`, `seq`)
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `outbox_next` SELECT `flow_id`, `id`, `queue`, `body`, `created_at` FROM `outbox`;
--> statement-breakpoint
DROP TABLE `outbox`;
--> statement-breakpoint
ALTER TABLE `outbox_next` RENAME TO `outbox`;
--> statement-breakpoint
CREATE VIRTUAL TABLE `flow_search` USING fts5(text, content='', contentless_delete=1, tokenize='trigram case_sensitive 1');
--> statement-breakpoint
-- The marks of src/flows/search-text.ts, for the flows that are there already.
UPDATE `flows` SET `search_text` = coalesce(
  (WITH RECURSIVE
    facets(value) AS (
      SELECT 'home:' || `home` WHERE `home` IS NOT NULL
      UNION SELECT 'type:' || `type` WHERE `type` IS NOT NULL
      UNION SELECT 'fromTemplate:' || `from_template` WHERE `from_template` IS NOT NULL
      UNION SELECT 'componentId:' || (value ->> '$.componentId') FROM json_each(`document`, '$.graph.nodes') WHERE value ->> '$.componentId' IS NOT NULL
      UNION SELECT 'credentials_id:' || (value ->> '$.credentials_id') FROM json_each(`document`, '$.graph.nodes') WHERE value ->> '$.credentials_id' IS NOT NULL
    ),
    hashes(value, at, hash) AS (
      SELECT CASE WHEN value GLOB '*:[0-9a-fA-F]*' AND length(value) - instr(value, ':') = 24 AND substr(value, instr(value, ':') + 1) NOT GLOB '*[^0-9a-fA-F]*'
        THEN substr(value, 1, instr(value, ':')) || lower(substr(value, instr(value, ':') + 1)) ELSE value END, 1, 7 FROM facets
      UNION ALL SELECT value, at + 1, (hash * 31 + unicode(substr(value, at, 1))) % 35184372088832 FROM hashes WHERE at <= length(value)
    )
    SELECT group_concat(char(983040 + hash / 1073741824, 1015808 + hash / 32768 % 32768, 1048576 + hash % 32768), '')
      FROM hashes WHERE at = length(value) + 1),
  '') || char(31) || `search_text`;
--> statement-breakpoint
INSERT INTO `flow_search` (rowid, text) SELECT `pos`, `search_text` FROM `flows`;
--> statement-breakpoint
INSERT INTO `flow_shares`
  SELECT DISTINCT owner.value ->> '$.id', `home`, `pos` FROM `flows`, json_each(`document`, '$.owners') AS owner
  WHERE owner.value ->> '$.id' <> `home`;
--> statement-breakpoint
INSERT INTO `flow_counts`
  SELECT `home`, sum(`status` = 'inactive'), sum(`status` = 'starting'), sum(`status` = 'active'), sum(`status` = 'stopping')
  FROM `flows` WHERE `home` IS NOT NULL GROUP BY `home`;
--> statement-breakpoint
INSERT INTO `flow_counts`
  SELECT '', sum(`status` = 'inactive'), sum(`status` = 'starting'), sum(`status` = 'active'), sum(`status` = 'stopping')
  FROM `flows` HAVING count(*) > 0;
--> statement-breakpoint
INSERT INTO `facet_counts`
  SELECT 'type', `type`, `of`, count(*) FROM (SELECT `type`, `home` AS `of` FROM `flows` UNION ALL SELECT `type`, '' FROM `flows`)
  WHERE `type` IS NOT NULL AND `of` IS NOT NULL GROUP BY 2, 3;
--> statement-breakpoint
INSERT INTO `facet_counts`
  SELECT 'fromTemplate', `from_template`, `of`, count(*) FROM (SELECT `from_template`, `home` AS `of` FROM `flows` UNION ALL SELECT `from_template`, '' FROM `flows`)
  WHERE `from_template` IS NOT NULL AND `of` IS NOT NULL GROUP BY 2, 3;
--> statement-breakpoint
-- What follows from a flow is kept by triggers, so that no statement can forget it.
CREATE TRIGGER `flows_inserted` AFTER INSERT ON `flows` BEGIN
  SELECT raise(ABORT, 'home must be the first tenant among the owners, or the first owner') WHERE NEW.home IS NOT coalesce(
    (SELECT value ->> '$.id' FROM json_each(NEW.document, '$.owners') WHERE value ->> '$.type' = 'tenant' LIMIT 1),
    (SELECT value ->> '$.id' FROM json_each(NEW.document, '$.owners') LIMIT 1));
  INSERT INTO `flow_search` (rowid, text) VALUES (NEW.pos, NEW.search_text);
  INSERT OR IGNORE INTO `flow_shares`
    SELECT value ->> '$.id', NEW.home, NEW.pos FROM json_each(NEW.document, '$.owners') WHERE value ->> '$.id' <> NEW.home;
  INSERT INTO `flow_counts`
    SELECT of, NEW.status = 'inactive', NEW.status = 'starting', NEW.status = 'active', NEW.status = 'stopping'
    FROM (SELECT NEW.home AS of UNION ALL SELECT '') WHERE of IS NOT NULL
    ON CONFLICT DO UPDATE SET inactive = inactive + excluded.inactive, starting = starting + excluded.starting,
      active = active + excluded.active, stopping = stopping + excluded.stopping;
  INSERT INTO `facet_counts`
    SELECT kind, told, of, 1
    FROM (SELECT 'type' AS kind, NEW.type AS told, NEW.home AS of UNION ALL SELECT 'type', NEW.type, ''
      UNION ALL SELECT 'fromTemplate', NEW.from_template, NEW.home UNION ALL SELECT 'fromTemplate', NEW.from_template, '')
    WHERE told IS NOT NULL AND of IS NOT NULL
    ON CONFLICT DO UPDATE SET flows = flows + 1;
END;
--> statement-breakpoint
CREATE TRIGGER `flows_moved` AFTER UPDATE OF `status` ON `flows` WHEN OLD.status <> NEW.status AND OLD.home IS NEW.home BEGIN
  UPDATE `flow_counts` SET
    inactive = inactive + (NEW.status = 'inactive') - (OLD.status = 'inactive'),
    starting = starting + (NEW.status = 'starting') - (OLD.status = 'starting'),
    active = active + (NEW.status = 'active') - (OLD.status = 'active'),
    stopping = stopping + (NEW.status = 'stopping') - (OLD.status = 'stopping')
    WHERE `scope` IN ('', NEW.home);
END;
--> statement-breakpoint
CREATE TRIGGER `flows_rehomed` AFTER UPDATE OF `home` ON `flows` WHEN OLD.home IS NOT NEW.home BEGIN
  UPDATE `flow_counts` SET
    inactive = inactive - (OLD.status = 'inactive'), starting = starting - (OLD.status = 'starting'),
    active = active - (OLD.status = 'active'), stopping = stopping - (OLD.status = 'stopping')
    WHERE `scope` IN ('', OLD.home);
  INSERT INTO `flow_counts`
    SELECT of, NEW.status = 'inactive', NEW.status = 'starting', NEW.status = 'active', NEW.status = 'stopping'
    FROM (SELECT NEW.home AS of UNION ALL SELECT '') WHERE of IS NOT NULL
    ON CONFLICT DO UPDATE SET inactive = inactive + excluded.inactive, starting = starting + excluded.starting,
      active = active + excluded.active, stopping = stopping + excluded.stopping;
END;
--> statement-breakpoint
CREATE TRIGGER `flows_refaceted` AFTER UPDATE OF `document`, `home` ON `flows`
  WHEN OLD.type IS NOT NEW.type OR OLD.from_template IS NOT NEW.from_template OR OLD.home IS NOT NEW.home
BEGIN
  UPDATE `facet_counts` SET flows = flows - 1 WHERE `facet` = 'type' AND `value` = OLD.type AND `scope` IN ('', OLD.home);
  UPDATE `facet_counts` SET flows = flows - 1 WHERE `facet` = 'fromTemplate' AND `value` = OLD.from_template AND `scope` IN ('', OLD.home);
  INSERT INTO `facet_counts`
    SELECT kind, told, of, 1
    FROM (SELECT 'type' AS kind, NEW.type AS told, NEW.home AS of UNION ALL SELECT 'type', NEW.type, ''
      UNION ALL SELECT 'fromTemplate', NEW.from_template, NEW.home UNION ALL SELECT 'fromTemplate', NEW.from_template, '')
    WHERE told IS NOT NULL AND of IS NOT NULL
    ON CONFLICT DO UPDATE SET flows = flows + 1;
END;
--> statement-breakpoint
CREATE TRIGGER `flows_reowned` AFTER UPDATE OF `document`, `home` ON `flows`
  WHEN OLD.document -> '$.owners' IS NOT NEW.document -> '$.owners' OR OLD.home IS NOT NEW.home
BEGIN
  SELECT raise(ABORT, 'home must be the first tenant among the owners, or the first owner') WHERE NEW.home IS NOT coalesce(
    (SELECT value ->> '$.id' FROM json_each(NEW.document, '$.owners') WHERE value ->> '$.type' = 'tenant' LIMIT 1),
    (SELECT value ->> '$.id' FROM json_each(NEW.document, '$.owners') LIMIT 1));
  DELETE FROM `flow_shares` WHERE `home` = OLD.home AND `pos` = OLD.pos
    AND `owner_id` IN (SELECT value ->> '$.id' FROM json_each(OLD.document, '$.owners'));
  INSERT OR IGNORE INTO `flow_shares`
    SELECT value ->> '$.id', NEW.home, NEW.pos FROM json_each(NEW.document, '$.owners') WHERE value ->> '$.id' <> NEW.home;
END;
--> statement-breakpoint
CREATE TRIGGER `flows_retold` AFTER UPDATE OF `search_text` ON `flows` WHEN OLD.search_text <> NEW.search_text BEGIN
  UPDATE `flow_search` SET text = NEW.search_text WHERE rowid = NEW.pos;
END;
--> statement-breakpoint
CREATE TRIGGER `flows_revised` AFTER UPDATE OF `document` ON `flows` WHEN OLD.revision <> NEW.revision BEGIN
  INSERT INTO `revisions` VALUES (OLD.id, OLD.revision, OLD.document, OLD.revised_at, OLD.revised_by, OLD.revision_note);
END;
--> statement-breakpoint
CREATE TRIGGER `flows_deleted` AFTER DELETE ON `flows` BEGIN
  DELETE FROM `flow_search` WHERE rowid = OLD.pos;
  DELETE FROM `flow_shares` WHERE `home` = OLD.home AND `pos` = OLD.pos
    AND `owner_id` IN (SELECT value ->> '$.id' FROM json_each(OLD.document, '$.owners'));
  UPDATE `flow_counts` SET
    inactive = inactive - (OLD.status = 'inactive'), starting = starting - (OLD.status = 'starting'),
    active = active - (OLD.status = 'active'), stopping = stopping - (OLD.status = 'stopping')
    WHERE `scope` IN ('', OLD.home);
  UPDATE `facet_counts` SET flows = flows - 1 WHERE `facet` = 'type' AND `value` = OLD.type AND `scope` IN ('', OLD.home);
  UPDATE `facet_counts` SET flows = flows - 1 WHERE `facet` = 'fromTemplate' AND `value` = OLD.from_template AND `scope` IN ('', OLD.home);
  DELETE FROM `revisions` WHERE `flow_id` = OLD.id;
END;
