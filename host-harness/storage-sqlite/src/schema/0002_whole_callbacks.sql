-- Version 2: a callback is kept with all that a provider judges it by, and the last ones are found without reading the others.
-- Pairs of a name and a value, as JSON.
ALTER TABLE callbacks ADD COLUMN headers TEXT NOT NULL DEFAULT '[]';
ALTER TABLE callbacks ADD COLUMN remote_address TEXT NOT NULL DEFAULT '';
-- Within a provider by rowid, which is the id.
CREATE INDEX callbacks_of_provider ON callbacks (provider);
