"""Piper voices."""
