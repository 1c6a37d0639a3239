-- Commits are counted, and the last number stands in a file beside the database as well: a database that lost its last commits, or is
-- an older copy, has a lower one.
CREATE TABLE commit_counter (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    -- Of this database, and of no other one; new where a loss was accepted.
    database_id TEXT NOT NULL,
    commits INTEGER NOT NULL,
    -- When the last commit was made, seconds since the epoch.
    committed_at INTEGER NOT NULL
) STRICT;
INSERT INTO commit_counter VALUES (1, lower(hex(randomblob(16))), 0, 0);

-- What is overwritten to see whether the disk takes a commit.
CREATE TABLE write_probe (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    content BLOB NOT NULL
) STRICT;
INSERT INTO write_probe VALUES (1, x'');
