"""Frigate: what it publishes about the objects that it tracks becomes few, clean events."""
