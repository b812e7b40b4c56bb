DROP TABLE commits;
DROP TABLE changes;
DROP TABLE counters;
DROP TABLE documents;
DROP TABLE meta;
