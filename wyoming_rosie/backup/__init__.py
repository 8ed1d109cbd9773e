"""Backups: one file with everything of a house that cannot be made or fetched again."""
