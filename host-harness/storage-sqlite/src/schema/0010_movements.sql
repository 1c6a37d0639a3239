-- Every event that is recorded becomes a movement with a number of its own, in place of an outcome. What follows belongs to one
-- transaction, as every migration.

-- An entry may be of one more kind. SQLite cannot change a CHECK constraint; by its documentation the text of the schema may be
-- edited where the rows stay as they are (lang_altertable.html, 7), which 3,000,000 entries with nine indexes do.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
    SET sql = replace(sql, '''chargeback'', ''write-off''', '''chargeback'', ''chargeback-reversal'', ''write-off''')
    WHERE type = 'table' AND name = 'entries';
PRAGMA writable_schema = RESET;

CREATE TABLE movements (
    -- The milliseconds of its recording, or the next free number: never given twice, at most 18 digits.
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    dedup_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- By the event's own time if that has an offset, else when it was recorded.
    happened_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    -- How the host learnt of it.
    origin TEXT NOT NULL,
    -- What the payment system says, as JSON. Without a recurrence: made of what an older program kept.
    facts TEXT NOT NULL,
    fee_minor_units INTEGER,
    fee_currency TEXT,
    -- Empty where an entry or an unmatched event keeps them.
    comment TEXT,
    extra TEXT,
    -- The callback that told of it first.
    callback INTEGER REFERENCES callbacks (id),
    -- What the rules made of it. Both, where it waited for the payment that it takes back, and was entered with that.
    entry INTEGER REFERENCES entries (seq),
    unmatched INTEGER REFERENCES unmatched (id),
    -- Of a payment or a release: the hold that it ended. Of a return: the payment.
    parent INTEGER REFERENCES movements (id),
    -- The key of the hold that it names, whether or not there is such a hold.
    ends_hold TEXT,
    -- Of a hold: the order that it reserves. Of a declined payment: its order.
    order_number INTEGER REFERENCES orders (number),
    -- Of a hold that has not ended: when it ends by itself; the largest number if it does not.
    open_until INTEGER
) STRICT;

-- Old outcomes are numbered as they were recorded: by three residues, so that the three sources need no common order. A number is
-- the millisecond, or three above the one before.
INSERT INTO movements (id, provider, dedup_key, kind, happened_at, recorded_at, origin, facts, callback, entry)
    SELECT 3 * seq + 1 + max((recorded_at * 1000 + 2) / 3 * 3 - 3 * seq) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING),
        provider, dedup_key, kind, recorded_at, recorded_at, 'callback', facts, callback, seq
    FROM (SELECT seq, outcomes.provider, outcomes.dedup_key, kind, ifnull(callbacks.received_at, entries.at) AS recorded_at,
            outcomes.callback, ifnull(callbacks.facts, json_object('kind', kind, 'transaction', transaction_id, 'minor-units',
            abs(minor_units), 'currency', currency, 'order', CAST(order_number AS TEXT))) AS facts
        FROM entries CROSS JOIN outcomes ON outcomes.entry = entries.seq
        LEFT JOIN callbacks ON callbacks.id = outcomes.callback);
INSERT INTO movements (id, provider, dedup_key, kind, happened_at, recorded_at, origin, facts, callback, unmatched)
    SELECT 3 * id + 2 + max((recorded_at * 1000 + 2) / 3 * 3 - 3 * id) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING),
        provider, dedup_key, kind, recorded_at, recorded_at, 'callback', facts, callback, id
    FROM (SELECT unmatched.id, outcomes.provider, outcomes.dedup_key, kind, unmatched.at AS recorded_at, outcomes.callback,
            ifnull(callbacks.facts, json_object('kind', kind, 'recurrence', recurrence, 'transaction', transaction_id,
            'minor-units', minor_units, 'currency', currency, 'order', order_id, 'payer', payer, 'occurred-at', occurred_at))
            AS facts
        FROM unmatched CROSS JOIN outcomes ON outcomes.unmatched = unmatched.id
        LEFT JOIN callbacks ON callbacks.id = outcomes.callback);
-- What moved no money. The oldest programs kept nothing of it but its key.
INSERT INTO movements (id, provider, dedup_key, kind, happened_at, recorded_at, origin, facts, comment, callback, order_number,
        open_until)
    SELECT 3 * n + 3 + max((recorded_at * 1000 + 2) / 3 * 3 - 3 * n) OVER (ORDER BY n ROWS UNBOUNDED PRECEDING),
        provider, dedup_key, kind, recorded_at, recorded_at, 'callback', facts, '', callback,
        CASE kind
            WHEN 'declined' THEN (SELECT number FROM orders
                WHERE number = CAST(declined_order AS INTEGER) AND CAST(number AS TEXT) = declined_order
                AND orders.provider = told.provider)
            WHEN 'hold' THEN (SELECT number FROM orders
                WHERE number = CAST(facts ->> 'order' AS INTEGER) AND CAST(number AS TEXT) = facts ->> 'order'
                AND (orders.provider, minor_units, currency)
                = (told.provider, facts ->> 'minor-units', facts ->> 'currency'))
        END,
        CASE kind WHEN 'hold' THEN 9223372036854775807 END
    FROM (SELECT row_number() OVER (ORDER BY ifnull(outcomes.callback, 0)) AS n, outcomes.provider, outcomes.dedup_key,
            ifnull(callbacks.facts ->> 'kind', 'declined') AS kind, ifnull(received_at, 0) AS recorded_at, outcomes.callback,
            declined_order, ifnull(callbacks.facts, json_object('kind', 'declined', 'transaction', substr(dedup_key, 1, 64),
            'minor-units', 0, 'currency', 'XXX')) AS facts
        FROM outcomes LEFT JOIN callbacks ON callbacks.id = outcomes.callback
        WHERE outcomes.entry IS NULL AND outcomes.unmatched IS NULL) AS told;
UPDATE movements SET happened_at = unixepoch(facts ->> 'occurred-at')
    WHERE facts ->> 'occurred-at' GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]*'
    AND (length(facts ->> 'occurred-at') = 20 AND facts ->> 'occurred-at' GLOB '*Z'
        OR length(facts ->> 'occurred-at') = 25 AND facts ->> 'occurred-at' GLOB '*[-+][01][0-9]:[0-5][0-9]')
    AND substr(facts ->> 'occurred-at', 12, 2) < '24'
    -- SQLite takes 2026-02-30 for 2026-03-02.
    AND date(substr(facts ->> 'occurred-at', 1, 10)) = substr(facts ->> 'occurred-at', 1, 10)
    AND unixepoch(facts ->> 'occurred-at') >= 0;

CREATE UNIQUE INDEX movements_of_key ON movements (provider, dedup_key);
-- A provider's movements are listed by their time, and within a second by their number.
CREATE INDEX movements_of_time ON movements (provider, happened_at);
-- Those of a kind; payments are most of them, and are found by the index above.
CREATE INDEX movements_of_kind ON movements (provider, kind, happened_at) WHERE kind <> 'payment';
CREATE UNIQUE INDEX movements_of_entry ON movements (entry) WHERE entry IS NOT NULL;
CREATE UNIQUE INDEX movements_of_unmatched ON movements (unmatched) WHERE unmatched IS NOT NULL;
CREATE INDEX movements_of_parent ON movements (parent) WHERE parent IS NOT NULL;
CREATE INDEX movements_of_hold ON movements (provider, ends_hold) WHERE ends_hold IS NOT NULL;
CREATE INDEX movements_of_order ON movements (order_number) WHERE order_number IS NOT NULL;
CREATE INDEX movements_open ON movements (open_until) WHERE open_until IS NOT NULL;
CREATE TRIGGER movements_stay BEFORE DELETE ON movements BEGIN SELECT RAISE(ABORT, 'a movement cannot be removed'); END;

-- The payment of an old refund: of its transaction, or else the first of its order.
UPDATE movements SET parent = (
        SELECT coalesce(made.id, kept.id) FROM entries AS back
        JOIN entries AS payment ON payment.kind = 'payment' AND payment.reverses IS NULL
            AND (payment.provider = back.provider AND payment.transaction_id = back.transaction_id
                OR payment.order_number = back.order_number)
        LEFT JOIN movements AS made ON made.entry = payment.seq
        LEFT JOIN unmatched ON unmatched.entry = payment.seq LEFT JOIN movements AS kept ON kept.unmatched = unmatched.id
        WHERE back.seq = movements.entry AND coalesce(made.id, kept.id) IS NOT NULL
        ORDER BY payment.transaction_id IS NOT back.transaction_id, payment.seq LIMIT 1)
    WHERE entry IN (SELECT seq FROM entries WHERE kind IN ('refund', 'chargeback'));

-- A report that contradicts another one, which need not be a callback.
ALTER TABLE contradictions RENAME TO contradictions_before;
CREATE TABLE contradictions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    movement INTEGER NOT NULL REFERENCES movements (id),
    facts TEXT NOT NULL,
    origin TEXT NOT NULL,
    callback INTEGER REFERENCES callbacks (id),
    seen_by TEXT,
    seen_at INTEGER
) STRICT;
INSERT INTO contradictions (id, movement, facts, origin, callback, seen_by, seen_at)
    SELECT contradictions_before.id, movements.id, ifnull(callbacks.facts, movements.facts), 'callback', repeated, seen_by, seen_at
    FROM contradictions_before JOIN movements USING (provider, dedup_key) JOIN callbacks ON callbacks.id = repeated
    ORDER BY contradictions_before.id;
DROP TABLE contradictions_before;
CREATE INDEX contradictions_of_movement ON contradictions (movement);
CREATE INDEX contradictions_unseen ON contradictions (id) WHERE seen_by IS NULL;

DROP TABLE outcomes;
-- `callbacks.facts` and `callbacks.declined_order` stay, unused: taking a column away would write every callback again.
DROP INDEX callbacks_declined;

-- What goes back may arrive before its payment, and is found when the payment comes.
ALTER TABLE unmatched ADD COLUMN original TEXT;
CREATE INDEX unmatched_returns ON unmatched (provider, ifnull(original, transaction_id))
    WHERE resolved_by IS NULL AND kind IN ('refund', 'chargeback', 'chargeback-reversal');
