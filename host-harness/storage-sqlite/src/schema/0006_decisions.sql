-- What operators decide about money: who, when and why. Nothing is changed or removed; a later decision may undo one, and what it
-- entered is then taken back by an entry of the opposite amount.
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    decided TEXT NOT NULL CHECK (decided IN ('entry', 'dismissal', 'correction', 'undoing')),
    unmatched INTEGER REFERENCES unmatched (id),
    undoes INTEGER UNIQUE REFERENCES decisions (id),
    operator TEXT NOT NULL,
    reason TEXT NOT NULL,
    decided_at INTEGER NOT NULL
) STRICT;
CREATE INDEX decisions_of_unmatched ON decisions (unmatched) WHERE unmatched IS NOT NULL;
CREATE TRIGGER decisions_stay_as_they_are BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'a decision cannot be changed'); END;
CREATE TRIGGER decisions_stay BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'a decision cannot be removed'); END;

ALTER TABLE entries ADD COLUMN decision INTEGER REFERENCES decisions (id);
ALTER TABLE entries ADD COLUMN reverses INTEGER REFERENCES entries (seq);
-- Pairs of a name and a value, as JSON.
ALTER TABLE entries ADD COLUMN extra TEXT;
CREATE UNIQUE INDEX entries_of_decision ON entries (decision) WHERE decision IS NOT NULL;
CREATE UNIQUE INDEX entries_of_reversed ON entries (reverses) WHERE reverses IS NOT NULL;

-- What was decided before, in the order of time.
CREATE TABLE decided_before AS
    SELECT row_number() OVER (ORDER BY decided_at, entry, unmatched) AS id, * FROM (
        SELECT CASE WHEN entry IS NULL THEN 'dismissal' ELSE 'entry' END AS decided, id AS unmatched, resolved_by AS operator,
            ifnull(resolved_comment, '') AS reason, ifnull(resolved_at, at) AS decided_at, entry
            FROM unmatched WHERE resolved_by IS NOT NULL
        UNION ALL
        SELECT 'correction', NULL, operator, comment, at, entry FROM corrections JOIN entries ON seq = entry
    );
INSERT INTO decisions (id, decided, unmatched, operator, reason, decided_at)
    SELECT id, decided, unmatched, operator, reason, decided_at FROM decided_before ORDER BY id;
DROP TRIGGER entries_stay_as_they_are;
UPDATE entries SET decision = (SELECT id FROM decided_before WHERE entry = seq)
    WHERE seq IN (SELECT entry FROM decided_before);
CREATE TRIGGER entries_stay_as_they_are BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'an entry cannot be changed'); END;
DROP TABLE decided_before;

-- A transaction is paid in once by what a payment system told, whatever the rules say. An operator may take a payment back and enter
-- it again.
DROP INDEX payments_of_transaction;
CREATE UNIQUE INDEX payments_of_transaction ON entries (provider, transaction_id) WHERE kind = 'payment' AND decision IS NULL;

ALTER TABLE unmatched ADD COLUMN payer TEXT;
ALTER TABLE unmatched ADD COLUMN occurred_at TEXT;
ALTER TABLE unmatched ADD COLUMN extra TEXT;
