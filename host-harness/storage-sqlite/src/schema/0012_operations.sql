-- What the host does at payment systems and must not do twice: refunds, charges, ends of subscriptions, and links that need calls.
CREATE TABLE operations (
    -- The milliseconds of its creation, or the next free number: its id is made of it, and never given twice.
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    provider TEXT NOT NULL,
    payment INTEGER REFERENCES movements (id),
    order_number INTEGER REFERENCES orders (number),
    -- Of a refund.
    minor_units INTEGER,
    currency TEXT,
    reason TEXT NOT NULL,
    operator TEXT NOT NULL,
    idempotency_key TEXT UNIQUE,
    component_sha256 TEXT NOT NULL,
    -- Sealed by the host, as the journal.
    settings BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'done', 'refused', 'unknown')),
    -- Of one that is done: what its event became, and the link.
    movement INTEGER REFERENCES movements (id),
    result TEXT,
    -- Of one that is refused: the problem. Of one that is unknown: why.
    code TEXT,
    message TEXT,
    reference TEXT,
    next_at INTEGER,
    tries INTEGER NOT NULL,
    journal BLOB NOT NULL,
    ended_at INTEGER,
    -- Who decided about one that was unknown.
    decided_by TEXT,
    decision_comment TEXT,
    decided_at INTEGER
) STRICT;
CREATE UNIQUE INDEX operations_link ON operations (order_number) WHERE kind = 'link';
CREATE UNIQUE INDEX operations_charge ON operations (order_number) WHERE kind = 'charge' AND state IN ('pending', 'unknown');
CREATE UNIQUE INDEX operations_cancel ON operations (payment) WHERE kind = 'cancel' AND state IN ('pending', 'unknown');
CREATE UNIQUE INDEX operations_of_movement ON operations (movement) WHERE movement IS NOT NULL;
CREATE INDEX operations_of_payment ON operations (payment) WHERE payment IS NOT NULL;
CREATE INDEX operations_of_order ON operations (order_number) WHERE order_number IS NOT NULL;
CREATE INDEX operations_due ON operations (next_at) WHERE state = 'pending' AND next_at IS NOT NULL;
CREATE INDEX operations_open ON operations (number) WHERE state IN ('pending', 'unknown');
CREATE INDEX operations_unreported ON operations (provider)
    WHERE kind = 'charge' AND movement IS NULL AND state <> 'refused';
CREATE TRIGGER operations_stay BEFORE DELETE ON operations BEGIN SELECT RAISE(ABORT, 'an operation cannot be removed'); END;

-- Unpaid orders whose status is asked for.
CREATE TABLE orders_to_ask (
    order_number INTEGER PRIMARY KEY REFERENCES orders (number),
    next_at INTEGER NOT NULL,
    asked INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_to_ask_next ON orders_to_ask (next_at);
