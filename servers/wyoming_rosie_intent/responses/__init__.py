"""Spoken responses to commands and queries."""
