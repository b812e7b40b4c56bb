-- What is kept beside the records: documents, counters, the change log, and which definitions are in force.
-- Relations of tables ("t1", "t2" …) are made when their tables are. Texts compare by their bytes.
CREATE TABLE documents (
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    lookup text COLLATE "C",
    body text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE UNIQUE INDEX documents_lookup ON documents (kind, lookup) WHERE lookup IS NOT NULL;

CREATE TABLE counters (
    table_number bigint NOT NULL,
    ordinal bigint NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (table_number, ordinal)
);

-- One row for each table: the version of its definition, the columns of its full-text index, when it last changed.
CREATE TABLE definitions (
    number bigint PRIMARY KEY,
    version bigint NOT NULL,
    searched bigint[],
    touched_at bigint
);

CREATE TABLE changes (
    number bigint PRIMARY KEY,
    revision bigint NOT NULL,
    table_number bigint NOT NULL,
    key_int bigint,
    key_text text COLLATE "C",
    key_uuid uuid,
    kind bigint NOT NULL,
    previous bigint NOT NULL,
    before text
);

-- The id is drawn by whoever commits, so that the outcome can be asked for when the answer was lost.
CREATE TABLE commits (
    revision bigint PRIMARY KEY,
    committed_at bigint NOT NULL,
    actor text COLLATE "C",
    operation text COLLATE "C",
    reason bigint NOT NULL,
    first_change bigint NOT NULL,
    id uuid NOT NULL UNIQUE
);
