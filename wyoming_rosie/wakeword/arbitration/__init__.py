"""Arbitration: which of several satellites that hear the same wake word answers."""
