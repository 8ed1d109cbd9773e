"""Store `sqlite`: one SQLite file with full text and vectors."""
