"""Compatibility with wyoming-satellite: its command line and its log format."""
