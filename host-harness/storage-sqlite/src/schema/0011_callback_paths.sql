-- What followed the callback address in a callback's URL, still encoded: a payment system may call several addresses.
ALTER TABLE callbacks ADD COLUMN path TEXT NOT NULL DEFAULT '';
