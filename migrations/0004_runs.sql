-- One row per run, for lists; the run itself is in its object. In the order of flow, status and beginning, so that each
-- beginning and each end writes one row.
CREATE TABLE `runs` (
  `flow_id` text NOT NULL,
  `status` text NOT NULL,
  `id` text NOT NULL,
  `trigger` text NOT NULL,
  `revision` integer NOT NULL,
  `request_id` text NOT NULL,
  `replay_of` text,
  `started_at` integer NOT NULL,
  `ended_at` integer,
  `fault` text,
  `replayed_by` text,
  PRIMARY KEY (`flow_id`, `status`, `id`)
) WITHOUT ROWID;
