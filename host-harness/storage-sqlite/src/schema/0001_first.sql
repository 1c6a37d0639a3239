-- Version 1. Strict tables, so that a sum that passes 64 bits is an error and no float.
CREATE TABLE accounts (
    number TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('individual', 'sole-proprietor', 'company')),
    contract TEXT NOT NULL,
    inn TEXT NOT NULL,
    kpp TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE balances (
    account TEXT NOT NULL REFERENCES accounts (number),
    currency TEXT NOT NULL,
    minor_units INTEGER NOT NULL,
    PRIMARY KEY (account, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
    number INTEGER PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (number),
    provider TEXT NOT NULL,
    minor_units INTEGER NOT NULL CHECK (minor_units > 0),
    currency TEXT NOT NULL,
    description TEXT NOT NULL,
    idempotency_key TEXT UNIQUE,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    -- One order is paid by one entry, and one entry pays one order.
    paid_by INTEGER UNIQUE REFERENCES entries (seq)
) STRICT;

CREATE TABLE entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL REFERENCES accounts (number),
    kind TEXT NOT NULL CHECK (kind IN ('payment', 'refund', 'chargeback', 'write-off', 'correction')),
    minor_units INTEGER NOT NULL,
    currency TEXT NOT NULL,
    comment TEXT NOT NULL,
    order_number INTEGER REFERENCES orders (number),
    transaction_id TEXT,
    provider TEXT,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX entries_of_account ON entries (account, seq);
-- Statistics go by time; rowids order what is of one second.
CREATE INDEX entries_of_time ON entries (at);
CREATE INDEX entries_of_kind ON entries (kind, at);
CREATE INDEX entries_of_provider ON entries (provider, at);
CREATE INDEX entries_of_transaction ON entries (provider, transaction_id) WHERE transaction_id IS NOT NULL;
-- A transaction is paid in once, whatever the rules say.
CREATE UNIQUE INDEX payments_of_transaction ON entries (provider, transaction_id) WHERE kind = 'payment';
CREATE INDEX entries_of_order ON entries (order_number) WHERE order_number IS NOT NULL;
CREATE TRIGGER entries_stay_as_they_are BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'an entry cannot be changed'); END;
CREATE TRIGGER entries_stay BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'an entry cannot be removed'); END;

-- The entries' sums by hour: a statistic of a year reads some thousand of them, however many entries there are.
CREATE TABLE hours (
    hour INTEGER NOT NULL,
    kind TEXT NOT NULL,
    -- Empty where none told of it.
    provider TEXT NOT NULL,
    currency TEXT NOT NULL,
    count INTEGER NOT NULL,
    minor_units INTEGER NOT NULL,
    PRIMARY KEY (hour, kind, provider, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE corrections (
    key TEXT PRIMARY KEY,
    entry INTEGER NOT NULL UNIQUE REFERENCES entries (seq),
    operator TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE callbacks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    method TEXT NOT NULL,
    query TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE unmatched (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    recurrence TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    order_id TEXT,
    minor_units INTEGER NOT NULL,
    currency TEXT NOT NULL,
    comment TEXT NOT NULL,
    dedup_key TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    resolved_by TEXT,
    resolved_comment TEXT,
    resolved_at INTEGER,
    entry INTEGER UNIQUE REFERENCES entries (seq)
) STRICT;
CREATE INDEX waiting ON unmatched (id) WHERE resolved_by IS NULL;

-- What every event came to: the same key has the same outcome for ever.
CREATE TABLE outcomes (
    provider TEXT NOT NULL,
    dedup_key TEXT NOT NULL,
    entry INTEGER UNIQUE REFERENCES entries (seq),
    unmatched INTEGER UNIQUE REFERENCES unmatched (id),
    PRIMARY KEY (provider, dedup_key)
) STRICT, WITHOUT ROWID;

-- In the order of exports: accounts and ids by bytes.
CREATE TABLE writeoffs (
    account TEXT NOT NULL REFERENCES accounts (number),
    id TEXT NOT NULL UNIQUE,
    service_code TEXT NOT NULL,
    service TEXT NOT NULL,
    unit TEXT NOT NULL,
    -- Days are year * 10000 + month * 100 + day.
    period INTEGER NOT NULL,
    date INTEGER NOT NULL,
    quantity_thousandths INTEGER NOT NULL,
    minor_units INTEGER NOT NULL,
    currency TEXT NOT NULL,
    vat_basis_points INTEGER,
    note TEXT NOT NULL,
    entry INTEGER NOT NULL UNIQUE REFERENCES entries (seq),
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE refusals (
    provider TEXT NOT NULL,
    hour INTEGER NOT NULL,
    code TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (provider, hour, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE unrecognized (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    callback INTEGER NOT NULL REFERENCES callbacks (id),
    message TEXT NOT NULL,
    seen_by TEXT,
    seen_at INTEGER
) STRICT;

-- What the host keeps beside money: a provider's settings, the operators. Secrets in them are sealed with a key that is not here.
CREATE TABLE documents (
    name TEXT PRIMARY KEY,
    document BLOB NOT NULL
) STRICT, WITHOUT ROWID;
