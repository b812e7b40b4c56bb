-- What is kept beside the records: settings of the file, documents, counters and the change log.
-- Relations of tables ("t1", "t2" …) are made when their tables are.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value
) WITHOUT ROWID;
INSERT INTO meta (key, value) VALUES ('clean', 1);

CREATE TABLE documents (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    lookup TEXT,
    body TEXT NOT NULL,
    version INTEGER NOT NULL
);
CREATE UNIQUE INDEX documents_id ON documents (kind, id);
CREATE UNIQUE INDEX documents_lookup ON documents (kind, lookup) WHERE lookup IS NOT NULL;

CREATE TABLE counters (
    table_number INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (table_number, ordinal)
) WITHOUT ROWID;

CREATE TABLE changes (
    number INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL,
    table_number INTEGER NOT NULL,
    key,
    kind INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    before TEXT
);

CREATE TABLE commits (
    revision INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT,
    operation TEXT,
    reason INTEGER NOT NULL,
    first_change INTEGER NOT NULL
);
