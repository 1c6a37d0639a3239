-- A refund asks which payments of its order were not entered, and so does the order's page.
CREATE INDEX unmatched_of_order ON unmatched (order_id) WHERE order_id IS NOT NULL;
