-- What accounting needs beside the money: an account's contract and tax numbers, one unit for each service, and what exports leave out.
-- Days are year * 10000 + month * 100 + day.
ALTER TABLE accounts ADD COLUMN contract_date INTEGER;
-- Of a foreign company, which has no «ИНН»; empty for all others.
ALTER TABLE accounts ADD COLUMN foreign_tax_number TEXT NOT NULL DEFAULT '';
-- One «ИНН» with one «КПП» is one buyer, whatever the number of its accounts.
CREATE INDEX accounts_of_buyer ON accounts (inn, kpp) WHERE inn <> '';

-- A service is known by its code, or by its name where it has none, and has the unit of the first write-off of it.
CREATE TABLE services (
    has_code INTEGER NOT NULL,
    key TEXT NOT NULL,
    unit TEXT NOT NULL,
    writeoff TEXT NOT NULL,
    PRIMARY KEY (has_code, key)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO services
    SELECT service_code <> '', CASE service_code WHEN '' THEN service ELSE service_code END, unit, id
    FROM writeoffs ORDER BY entry;

-- Write-offs that an operator decided to leave out of exports. What was undone stays, so that it can be seen who decided what.
CREATE TABLE exclusions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    writeoff TEXT NOT NULL REFERENCES writeoffs (id),
    operator TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    undone_by TEXT,
    undone_at INTEGER
) STRICT;
CREATE UNIQUE INDEX exclusions_in_force ON exclusions (writeoff) WHERE undone_by IS NULL;
