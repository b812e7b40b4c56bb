-- Finds the commits of an operation. The log also keeps more of what a record was from here on ("w", "m" and "e" in
-- changes.before), and evictions (kind 6), so a program that knows schema 2 must not read it.
CREATE INDEX commits_operation ON commits (left(operation, 100), revision) WHERE operation IS NOT NULL;
