"""Shared library of the wyoming-rosie programs, and the `wyoming-rosie` command."""

__version__ = "0.1.0"
