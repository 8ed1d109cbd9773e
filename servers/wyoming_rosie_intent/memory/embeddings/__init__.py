"""Embedding models, one file each; the file's name is the name in the settings."""
