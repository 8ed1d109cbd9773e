"""Schema of the memory's file, as the steps that lead to each of its versions."""

TOKENIZERS = {"porter": "porter unicode61", "words": "unicode61 remove_diacritics 2", "trigram": "trigram"}
"""Full-text tables and their tokenizers: English, other languages, languages without spaces."""
COLUMNS = (
    "id", "kind", "text", "at", "person", "room", "is_private", "speaker", "conversation", "turn", "intent", "tools", "tags",
    "source", "language", "topic", "replaces", "replaced_by",
)  # fmt: skip


def _full_text_table(name: str, tokenizer: str) -> tuple[str, ...]:
    """Return the statements of one full-text table and of the triggers that keep it equal to the memories."""
    insertion = f"INSERT INTO text_{name}(rowid, text, audience) VALUES (new.row, new.text, new.audience)"
    deletion = f"INSERT INTO text_{name}(text_{name}, rowid, text, audience) VALUES ('delete', old.row, old.text, old.audience)"
    table = f"fts5(text, audience, content='memory', content_rowid='row', tokenize='{tokenizer}')"
    return (
        f"CREATE VIRTUAL TABLE text_{name} USING {table}",
        f"CREATE TRIGGER insert_{name} AFTER INSERT ON memory WHEN new.tokenizer = '{name}' BEGIN {insertion}; END",
        f"CREATE TRIGGER delete_{name} AFTER DELETE ON memory WHEN old.tokenizer = '{name}' BEGIN {deletion}; END",
    )


_FIRST = (
    # A row number must not be used twice, since vectors in memory are found by it.
    """CREATE TABLE memory (
        row INTEGER PRIMARY KEY AUTOINCREMENT, audience TEXT NOT NULL, tokenizer TEXT NOT NULL, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
        text TEXT NOT NULL, at REAL NOT NULL, person TEXT, room TEXT, is_private INTEGER NOT NULL, speaker TEXT NOT NULL,
        conversation TEXT, turn TEXT, intent TEXT, tools TEXT NOT NULL, tags TEXT NOT NULL, source TEXT, language TEXT,
        topic TEXT, replaces TEXT, replaced_by TEXT
    )""",
    # An audience's number must not be used twice either.
    """CREATE TABLE audience (
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, person TEXT, room TEXT, is_private INTEGER NOT NULL
    )""",
    "CREATE INDEX memory_audience ON memory (audience)",
    # Whether what was deleted may still be in the indexes, the log or free pages.
    "CREATE TABLE erasure (is_due INTEGER NOT NULL)",
    "INSERT INTO erasure VALUES (0)",
    "CREATE INDEX memory_at ON memory (at)",
    "CREATE INDEX memory_turn ON memory (turn) WHERE turn IS NOT NULL",
    "CREATE INDEX memory_conversation ON memory (conversation, at) WHERE conversation IS NOT NULL",
    "CREATE INDEX memory_topic ON memory (topic) WHERE topic IS NOT NULL",
    # The sequence number tells which vectors are new since an index in memory was read.
    """CREATE TABLE vector (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT, row INTEGER NOT NULL UNIQUE, model TEXT NOT NULL,
        dimensions INTEGER NOT NULL, value BLOB NOT NULL
    )""",
    "CREATE INDEX vector_model ON vector (model, dimensions)",
    "CREATE TABLE vector_state (deletions INTEGER NOT NULL, model TEXT NOT NULL, dimensions INTEGER NOT NULL)",
    "INSERT INTO vector_state VALUES (0, '', 0)",
    "CREATE TRIGGER count_deletions AFTER DELETE ON vector BEGIN UPDATE vector_state SET deletions = deletions + 1; END",
    "CREATE TABLE pending_vector (row INTEGER PRIMARY KEY)",
    """CREATE TRIGGER insert_pending AFTER INSERT ON memory BEGIN
        INSERT INTO pending_vector VALUES (new.row);
    END""",
    """CREATE TRIGGER delete_vector AFTER DELETE ON memory BEGIN
        DELETE FROM vector WHERE row = old.row;
        DELETE FROM pending_vector WHERE row = old.row;
    END""",
    *(statement for name, tokenizer in TOKENIZERS.items() for statement in _full_text_table(name, tokenizer)),
)
MIGRATIONS = (_FIRST,)
"""Statements that lead from each version of the schema to the next; version 0 is an empty file."""
