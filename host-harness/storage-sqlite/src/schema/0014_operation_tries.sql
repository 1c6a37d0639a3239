-- Of an operation: whether anything may have been sent, and what its last try came to.
ALTER TABLE operations ADD COLUMN is_sent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE operations ADD COLUMN tried_at INTEGER;
ALTER TABLE operations ADD COLUMN tried_call TEXT CHECK (tried_call IN ('not-sent', 'no-answer', 'answered'));
-- Of a call that was answered.
ALTER TABLE operations ADD COLUMN tried_status INTEGER;
ALTER TABLE operations ADD COLUMN tried_message TEXT;
-- A journal does not say by itself whether something was sent: it may have been.
UPDATE operations SET is_sent = 1 WHERE journal <> x'';
-- What may have been done has not ended.
UPDATE operations SET ended_at = NULL WHERE state = 'unknown';
CREATE INDEX operations_but_links ON operations (number) WHERE kind <> 'link';
-- By when somebody asked for one, or decided about it.
CREATE INDEX operations_acted ON operations (ifnull(decided_at, created_at), number) WHERE kind <> 'link' OR decided_at IS NOT NULL;
