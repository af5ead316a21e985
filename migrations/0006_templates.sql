CREATE TABLE `templates` (
  `id` text PRIMARY KEY NOT NULL,
  `name` text GENERATED ALWAYS AS (substr(coalesce(document ->> '$.name', ''), 1, 200)) STORED NOT NULL,
  `status` text NOT NULL,
  `tenant` text,
  `revision` integer NOT NULL,
  `revised_by` text,
  `revision_note` text NOT NULL,
  `created_at` integer NOT NULL,
  `updated_at` integer NOT NULL,
  `search_text` text NOT NULL,
  `document` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `templates_reviser` ON `templates` (`revised_by`);
--> statement-breakpoint
CREATE TABLE `template_revisions` (
  `template_id` text NOT NULL,
  `revision` integer NOT NULL,
  `revised_at` integer NOT NULL,
  `revised_by` text,
  `revision_note` text NOT NULL,
  `document` text NOT NULL,
  PRIMARY KEY (`template_id`, `revision`)
);
--> statement-breakpoint
CREATE INDEX `template_revisions_reviser` ON `template_revisions` (`revised_by`);
--> statement-breakpoint
CREATE TABLE `template_readers` (
  `owner_id` text NOT NULL,
  `template_id` text NOT NULL,
  `writes` integer NOT NULL,
  PRIMARY KEY (`owner_id`, `template_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `template_instances` (
  `template_id` text NOT NULL,
  `pos` integer NOT NULL,
  `revision` integer NOT NULL,
  PRIMARY KEY (`template_id`, `pos`)
) WITHOUT ROWID;
--> statement-breakpoint
-- Owners read and write a template; once it is published, its tenant reads it too. Who owns it is nobody's business who
-- has an instance, so its revisions are kept without owners.
CREATE TRIGGER `templates_inserted` AFTER INSERT ON `templates` BEGIN
  INSERT INTO `template_revisions` VALUES (NEW.id, NEW.revision, NEW.updated_at, NEW.revised_by, NEW.revision_note, json_remove(NEW.document, '$.owners'));
  INSERT OR IGNORE INTO `template_readers` SELECT value ->> '$.id', NEW.id, 1 FROM json_each(NEW.document, '$.owners');
  INSERT OR IGNORE INTO `template_readers` SELECT NEW.tenant, NEW.id, 0 WHERE NEW.status = 'published' AND NEW.tenant IS NOT NULL;
END;
--> statement-breakpoint
CREATE TRIGGER `templates_revised` AFTER UPDATE OF `document` ON `templates` WHEN OLD.revision <> NEW.revision BEGIN
  INSERT INTO `template_revisions` VALUES (NEW.id, NEW.revision, NEW.updated_at, NEW.revised_by, NEW.revision_note, json_remove(NEW.document, '$.owners'));
END;
--> statement-breakpoint
CREATE TRIGGER `templates_reowned` AFTER UPDATE OF `document`, `status`, `tenant` ON `templates`
  WHEN OLD.document -> '$.owners' IS NOT NEW.document -> '$.owners' OR OLD.status <> NEW.status OR OLD.tenant IS NOT NEW.tenant
BEGIN
  DELETE FROM `template_readers` WHERE `template_id` = OLD.id
    AND `owner_id` IN (SELECT value ->> '$.id' FROM json_each(OLD.document, '$.owners') UNION ALL SELECT OLD.tenant);
  INSERT OR IGNORE INTO `template_readers` SELECT value ->> '$.id', NEW.id, 1 FROM json_each(NEW.document, '$.owners');
  INSERT OR IGNORE INTO `template_readers` SELECT NEW.tenant, NEW.id, 0 WHERE NEW.status = 'published' AND NEW.tenant IS NOT NULL;
END;
--> statement-breakpoint
CREATE TRIGGER `templates_deleted` AFTER DELETE ON `templates` BEGIN
  SELECT raise(ABORT, 'the template has instances') WHERE EXISTS (SELECT 1 FROM `template_instances` WHERE `template_id` = OLD.id);
  DELETE FROM `template_readers` WHERE `template_id` = OLD.id
    AND `owner_id` IN (SELECT value ->> '$.id' FROM json_each(OLD.document, '$.owners') UNION ALL SELECT OLD.tenant);
  DELETE FROM `template_revisions` WHERE `template_id` = OLD.id;
END;
--> statement-breakpoint
-- An instance is a flow without a graph of its own; its template's revision must be there as long as it is.
CREATE TRIGGER `flows_instance_inserted` AFTER INSERT ON `flows`
  WHEN NEW.from_template IS NOT NULL AND NEW.document ->> '$.instance.revision' IS NOT NULL
BEGIN
  SELECT raise(ABORT, 'the revision of the template is gone') WHERE NOT EXISTS (SELECT 1 FROM `template_revisions`
    WHERE `template_id` = NEW.from_template AND `revision` = NEW.document ->> '$.instance.revision');
  INSERT INTO `template_instances` VALUES (NEW.from_template, NEW.pos, NEW.document ->> '$.instance.revision');
END;
--> statement-breakpoint
CREATE TRIGGER `flows_instance_changed` AFTER UPDATE OF `document` ON `flows`
  WHEN (OLD.from_template IS NOT NULL OR NEW.from_template IS NOT NULL) AND (OLD.from_template IS NOT NEW.from_template
    OR OLD.document ->> '$.instance.revision' IS NOT NEW.document ->> '$.instance.revision')
BEGIN
  SELECT raise(ABORT, 'the revision of the template is gone') WHERE NEW.document ->> '$.instance.revision' IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM `template_revisions`
      WHERE `template_id` = NEW.from_template AND `revision` = NEW.document ->> '$.instance.revision');
  DELETE FROM `template_instances` WHERE `template_id` = OLD.from_template AND `pos` = OLD.pos;
  INSERT INTO `template_instances` SELECT NEW.from_template, NEW.pos, NEW.document ->> '$.instance.revision'
    WHERE NEW.document ->> '$.instance.revision' IS NOT NULL;
END;
--> statement-breakpoint
CREATE TRIGGER `flows_instance_deleted` AFTER DELETE ON `flows` WHEN OLD.from_template IS NOT NULL BEGIN
  DELETE FROM `template_instances` WHERE `template_id` = OLD.from_template AND `pos` = OLD.pos;
END;
