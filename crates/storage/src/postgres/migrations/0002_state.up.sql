-- Which commit touched a table last: a draw of its own for each commit, so that it is never used again, not even after a
-- restore. And which database this is.
ALTER TABLE definitions ADD COLUMN state uuid NOT NULL DEFAULT gen_random_uuid();
INSERT INTO documents (kind, id, body, version)
VALUES ('store', 'identity', '{"id":"' || gen_random_uuid() || '"}', 1);
