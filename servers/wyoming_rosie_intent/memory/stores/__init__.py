"""Stores of memories, one folder or file each; the name is the name in the settings."""
