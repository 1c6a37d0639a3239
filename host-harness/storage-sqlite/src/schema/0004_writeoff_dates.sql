-- Whether a write-off's days are days of the calendar: an older program did not look.
ALTER TABLE writeoffs ADD COLUMN has_date INTEGER GENERATED ALWAYS AS (
    date / 10000 BETWEEN 1 AND 9999 AND date / 100 % 100 BETWEEN 1 AND 12 AND date % 100 BETWEEN 1 AND
    CASE date / 100 % 100
        WHEN 2 THEN 28 + (date / 10000 % 4 = 0 AND (date / 10000 % 100 <> 0 OR date / 10000 % 400 = 0))
        WHEN 4 THEN 30 WHEN 6 THEN 30 WHEN 9 THEN 30 WHEN 11 THEN 30 ELSE 31
    END
) VIRTUAL;
ALTER TABLE writeoffs ADD COLUMN has_period INTEGER GENERATED ALWAYS AS (
    period / 10000 BETWEEN 1 AND 9999 AND period / 100 % 100 BETWEEN 1 AND 12 AND period % 100 BETWEEN 1 AND
    CASE period / 100 % 100
        WHEN 2 THEN 28 + (period / 10000 % 4 = 0 AND (period / 10000 % 100 <> 0 OR period / 10000 % 400 = 0))
        WHEN 4 THEN 30 WHEN 6 THEN 30 WHEN 9 THEN 30 WHEN 11 THEN 30 ELSE 31
    END
) VIRTUAL;
CREATE INDEX writeoffs_of_no_day ON writeoffs (id) WHERE NOT (has_date AND has_period);

-- A write-off counts by its date in statistics; `at` stays when it was entered. The column is empty for all other kinds, and for a
-- date that is none of the calendar or lies before 1970: such a write-off goes on to count when it was entered.
ALTER TABLE entries ADD COLUMN date INTEGER;
DROP TRIGGER entries_stay_as_they_are;
UPDATE entries SET date = (SELECT date FROM writeoffs WHERE entry = seq AND has_date AND date >= 19700101)
    WHERE kind = 'write-off';
CREATE TRIGGER entries_stay_as_they_are BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'an entry cannot be changed'); END;
-- 11:00 UTC lies within the same day in every time zone from UTC-11 to UTC+12.
ALTER TABLE entries ADD COLUMN counted_at INTEGER GENERATED ALWAYS AS (
    CASE WHEN date IS NULL THEN at
    ELSE unixepoch(printf('%04d-%02d-%02d', date / 10000, date / 100 % 100, date % 100)) + 39600 END
) VIRTUAL;
DROP INDEX entries_of_time;
DROP INDEX entries_of_kind;
DROP INDEX entries_of_provider;
CREATE INDEX entries_of_time ON entries (counted_at);
CREATE INDEX entries_of_kind ON entries (kind, counted_at);
CREATE INDEX entries_of_provider ON entries (provider, counted_at);
DELETE FROM hours WHERE kind = 'write-off';
INSERT INTO hours (hour, kind, provider, currency, count, minor_units)
    SELECT counted_at - counted_at % 3600 AS hour, kind, ifnull(provider, '') AS teller, currency, count(*), sum(minor_units)
    FROM entries WHERE kind = 'write-off' GROUP BY hour, kind, teller, currency;
