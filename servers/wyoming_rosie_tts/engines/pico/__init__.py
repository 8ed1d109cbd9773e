"""SVOX Pico."""
