-- Starts on an older copy of this database, or on one that may be a copy, and who compared the payment systems with it since. As long as
-- one is not compared, no operation about a payment begins.
CREATE TABLE restorations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- When the last commit of the copy was made, seconds since the epoch.
    copied_at INTEGER,
    started_at INTEGER NOT NULL,
    compared_by TEXT,
    comparison TEXT,
    compared_at INTEGER,
    CHECK ((compared_by IS NULL) = (compared_at IS NULL) AND (compared_by IS NULL) = (comparison IS NULL))
) STRICT;
CREATE TRIGGER comparisons_stay_as_they_are BEFORE UPDATE ON restorations
    WHEN old.compared_by IS NOT NULL OR (old.id, old.copied_at, old.started_at) IS NOT (new.id, new.copied_at, new.started_at)
    BEGIN SELECT RAISE(ABORT, 'a comparison cannot be changed'); END;
CREATE TRIGGER restorations_stay BEFORE DELETE ON restorations BEGIN SELECT RAISE(ABORT, 'a restoration cannot be removed'); END;
