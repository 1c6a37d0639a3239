-- The secret headers of a callback, sealed by the host. NULL: it has none, or came before they were kept.
ALTER TABLE callbacks ADD COLUMN sealed_headers BLOB;
