CREATE TABLE `secrets` (
  `id` text PRIMARY KEY NOT NULL,
  `name` text NOT NULL,
  `type` text NOT NULL,
  `owners` text NOT NULL,
  `key_id` text NOT NULL,
  `iv` text NOT NULL,
  `created_at` integer NOT NULL,
  `updated_at` integer NOT NULL,
  `ciphertext` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `secret_owners` (
  `owner_id` text NOT NULL,
  `id` text NOT NULL,
  PRIMARY KEY (`owner_id`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
-- The list of owners lives in secrets.owners; secret_owners is its index. Triggers keep it, so that no statement can forget.
CREATE TRIGGER `secrets_owners_insert` AFTER INSERT ON `secrets` BEGIN
  INSERT OR IGNORE INTO `secret_owners` (`owner_id`, `id`)
    SELECT value ->> '$.id', NEW.id FROM json_each(NEW.owners);
END;
--> statement-breakpoint
CREATE TRIGGER `secrets_owners_update` AFTER UPDATE OF `owners` ON `secrets` WHEN OLD.owners IS NOT NEW.owners BEGIN
  DELETE FROM `secret_owners`
    WHERE `id` = OLD.id AND `owner_id` IN (SELECT value ->> '$.id' FROM json_each(OLD.owners));
  INSERT OR IGNORE INTO `secret_owners` (`owner_id`, `id`)
    SELECT value ->> '$.id', NEW.id FROM json_each(NEW.owners);
END;
--> statement-breakpoint
CREATE TRIGGER `secrets_owners_delete` AFTER DELETE ON `secrets` BEGIN
  DELETE FROM `secret_owners`
    WHERE `id` = OLD.id AND `owner_id` IN (SELECT value ->> '$.id' FROM json_each(OLD.owners));
END;
