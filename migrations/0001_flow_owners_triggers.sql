-- The list of owners lives in flows.document; flow_owners is its index. Triggers keep it, so that no statement can forget.
CREATE TRIGGER `flows_owners_insert` AFTER INSERT ON `flows` BEGIN
  INSERT OR IGNORE INTO `flow_owners` (`owner_id`, `flow_id`)
    SELECT value ->> '$.id', NEW.id FROM json_each(NEW.document, '$.owners');
END;
--> statement-breakpoint
CREATE TRIGGER `flows_owners_update` AFTER UPDATE OF `document` ON `flows`
  WHEN OLD.document -> '$.owners' IS NOT NEW.document -> '$.owners'
BEGIN
  DELETE FROM `flow_owners`
    WHERE `flow_id` = OLD.id
      AND `owner_id` IN (SELECT value ->> '$.id' FROM json_each(OLD.document, '$.owners'));
  INSERT OR IGNORE INTO `flow_owners` (`owner_id`, `flow_id`)
    SELECT value ->> '$.id', NEW.id FROM json_each(NEW.document, '$.owners');
END;
--> statement-breakpoint
CREATE TRIGGER `flows_owners_delete` AFTER DELETE ON `flows` BEGIN
  DELETE FROM `flow_owners`
    WHERE `flow_id` = OLD.id
      AND `owner_id` IN (SELECT value ->> '$.id' FROM json_each(OLD.document, '$.owners'));
END;
