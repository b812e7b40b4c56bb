DELETE FROM documents WHERE kind = 'store' AND id = 'identity';
ALTER TABLE definitions DROP COLUMN state;
