-- The order whose payment a callback declines: the order's page asks whether there is one. Callbacks that are older than this
-- column lack it, since nobody waits at the pages of their orders any more.
ALTER TABLE callbacks ADD COLUMN declined_order TEXT;
CREATE INDEX callbacks_declined ON callbacks (declined_order) WHERE declined_order IS NOT NULL;
