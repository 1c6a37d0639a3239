-- What a callback says of its event, as JSON, so that a repetition can be compared with it; and whether card data in it was masked.
ALTER TABLE callbacks ADD COLUMN facts TEXT;
ALTER TABLE callbacks ADD COLUMN is_masked INTEGER NOT NULL DEFAULT 0;
-- The callback that told an event first.
ALTER TABLE outcomes ADD COLUMN callback INTEGER REFERENCES callbacks (id);

-- Callbacks that repeat an event and say something else.
CREATE TABLE contradictions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    dedup_key TEXT NOT NULL,
    repeated INTEGER NOT NULL REFERENCES callbacks (id),
    seen_by TEXT,
    seen_at INTEGER,
    FOREIGN KEY (provider, dedup_key) REFERENCES outcomes (provider, dedup_key)
) STRICT;
CREATE INDEX contradictions_of_event ON contradictions (provider, dedup_key);
CREATE INDEX contradictions_unseen ON contradictions (id) WHERE seen_by IS NULL;

-- A callback that nobody could judge is kept once, however often it comes.
ALTER TABLE unrecognized ADD COLUMN code TEXT NOT NULL DEFAULT '';
ALTER TABLE unrecognized ADD COLUMN digest BLOB;
ALTER TABLE unrecognized ADD COLUMN times INTEGER NOT NULL DEFAULT 1;
ALTER TABLE unrecognized ADD COLUMN last_at INTEGER;
CREATE UNIQUE INDEX unrecognized_of_digest ON unrecognized (digest) WHERE digest IS NOT NULL;
CREATE INDEX unrecognized_unseen ON unrecognized (id) WHERE seen_by IS NULL;
