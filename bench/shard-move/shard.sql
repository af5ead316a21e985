-- What a shard has on top of the tables of migrations/. All of it is additive. sim_now() stands for unixepoch('subsec').
ALTER TABLE outbox ADD COLUMN home text NOT NULL DEFAULT '';

CREATE TABLE homes (
  home text PRIMARY KEY,
  epoch integer NOT NULL, -- grows with each move of the home
  state text NOT NULL CHECK (state IN ('open', 'leaving', 'frozen', 'gone', 'arriving')),
  freeze integer NOT NULL DEFAULT 0, -- number of the present freeze
  thaws_at integer NOT NULL DEFAULT 0, -- when it ends by itself
  mover integer NOT NULL DEFAULT 0, -- number of the mover that may write to the arriving home
  hand integer NOT NULL DEFAULT 0, -- 1 only inside a batch of that mover
  copied integer NOT NULL DEFAULT -1, -- place up to which the walk has copied
  caught integer NOT NULL DEFAULT 0 -- change up to which the copy has caught up
) WITHOUT ROWID;

CREATE TABLE home_changes (seq integer PRIMARY KEY AUTOINCREMENT, home text NOT NULL, flow_id text NOT NULL);
CREATE INDEX home_changes_home ON home_changes (home, seq);

-- The fence. A trigger, so that no statement can forget it; it takes the whole batch back.
CREATE TRIGGER fence_insert BEFORE INSERT ON flows
  WHEN NOT EXISTS (SELECT 1 FROM homes WHERE home = NEW.home AND (state IN ('open', 'leaving') OR hand = 1 OR (state = 'frozen' AND thaws_at <= sim_now())))
  BEGIN SELECT raise(ABORT, 'HOME_NOT_HERE'); END;
CREATE TRIGGER fence_update BEFORE UPDATE ON flows
  WHEN NOT EXISTS (SELECT 1 FROM homes WHERE home = OLD.home AND (state IN ('open', 'leaving') OR hand = 1 OR (state = 'frozen' AND thaws_at <= sim_now())))
    OR NOT EXISTS (SELECT 1 FROM homes WHERE home = NEW.home AND (state IN ('open', 'leaving') OR hand = 1 OR (state = 'frozen' AND thaws_at <= sim_now())))
  BEGIN SELECT raise(ABORT, 'HOME_NOT_HERE'); END;
CREATE TRIGGER fence_delete BEFORE DELETE ON flows
  WHEN NOT EXISTS (SELECT 1 FROM homes WHERE home = OLD.home AND (state IN ('open', 'leaving') OR hand = 1 OR (state = 'frozen' AND thaws_at <= sim_now())))
  BEGIN SELECT raise(ABORT, 'HOME_NOT_HERE'); END;
CREATE TRIGGER fence_message BEFORE INSERT ON outbox
  WHEN NOT EXISTS (SELECT 1 FROM homes WHERE home = NEW.home AND (state IN ('open', 'leaving') OR hand = 1 OR (state = 'frozen' AND thaws_at <= sim_now())))
  BEGIN SELECT raise(ABORT, 'HOME_NOT_HERE'); END;
CREATE TRIGGER fence_forget BEFORE DELETE ON outbox
  WHEN NOT EXISTS (SELECT 1 FROM homes WHERE home = OLD.home AND (state IN ('open', 'leaving') OR hand = 1 OR (state = 'frozen' AND thaws_at <= sim_now())))
  BEGIN SELECT raise(ABORT, 'HOME_NOT_HERE'); END;

-- The change log. Written only while the home is leaving.
CREATE TRIGGER watch_insert AFTER INSERT ON flows
  WHEN EXISTS (SELECT 1 FROM homes WHERE home = NEW.home AND state IN ('leaving', 'frozen'))
  BEGIN INSERT INTO home_changes (home, flow_id) VALUES (NEW.home, NEW.id); END;
CREATE TRIGGER watch_update AFTER UPDATE ON flows
  WHEN EXISTS (SELECT 1 FROM homes WHERE home = NEW.home AND state IN ('leaving', 'frozen'))
  BEGIN INSERT INTO home_changes (home, flow_id) VALUES (NEW.home, NEW.id); END;
CREATE TRIGGER watch_delete AFTER DELETE ON flows
  WHEN EXISTS (SELECT 1 FROM homes WHERE home = OLD.home AND state IN ('leaving', 'frozen'))
  BEGIN INSERT INTO home_changes (home, flow_id) VALUES (OLD.home, OLD.id); END;
CREATE TRIGGER watch_message AFTER INSERT ON outbox
  WHEN EXISTS (SELECT 1 FROM homes WHERE home = NEW.home AND state IN ('leaving', 'frozen'))
  BEGIN INSERT INTO home_changes (home, flow_id) VALUES (NEW.home, NEW.flow_id); END;
CREATE TRIGGER watch_forget AFTER DELETE ON outbox
  WHEN EXISTS (SELECT 1 FROM homes WHERE home = OLD.home AND state IN ('leaving', 'frozen'))
  BEGIN INSERT INTO home_changes (home, flow_id) VALUES (OLD.home, OLD.flow_id); END;
