DROP TABLE commits;
DROP TABLE changes;
DROP TABLE definitions;
DROP TABLE counters;
DROP TABLE documents;
