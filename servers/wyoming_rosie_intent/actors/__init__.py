"""Actors, one module or package each, found by name."""
