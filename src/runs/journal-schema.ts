/** Tables of one run's object, as few as can be: every run makes them. A message is kept once, however many steps it goes to. */
export const SCHEMA = `
CREATE TABLE IF NOT EXISTS run (
  only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
  facts TEXT NOT NULL,
  definition TEXT NOT NULL,
  status TEXT NOT NULL,
  cancelled INTEGER NOT NULL DEFAULT 0,
  started_at INTEGER NOT NULL,
  ends_by INTEGER NOT NULL,
  ended_at INTEGER,
  fault TEXT,
  reply TEXT,
  arrived INTEGER NOT NULL DEFAULT 0,
  told INTEGER NOT NULL DEFAULT 0,
  wakes INTEGER NOT NULL DEFAULT 0,
  secrets TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS scopes (
  id INTEGER PRIMARY KEY,
  parent INTEGER,
  place INTEGER NOT NULL,
  open INTEGER NOT NULL,
  failed INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS items (
  id INTEGER PRIMARY KEY,
  step TEXT NOT NULL,
  parent INTEGER,
  scope INTEGER NOT NULL,
  place INTEGER NOT NULL,
  input INTEGER NOT NULL,
  gathers INTEGER,
  gathered_by INTEGER,
  state TEXT NOT NULL,
  due_at INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  rebounds INTEGER NOT NULL DEFAULT 0,
  restarts INTEGER NOT NULL DEFAULT 0,
  began_at INTEGER,
  ms INTEGER,
  outputs TEXT,
  fault TEXT,
  memo TEXT,
  lines TEXT,
  seq INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS items_due ON items (due_at, id) WHERE due_at IS NOT NULL;
`;

/** For runs that put messages together; made when the first of them does. */
export const GATHERING = `
CREATE INDEX IF NOT EXISTS items_gathered ON items (scope, step, gathered_by, place, id) WHERE state = 'gathered';
CREATE INDEX IF NOT EXISTS items_gathers ON items (gathers) WHERE gathers IS NOT NULL;
`;
