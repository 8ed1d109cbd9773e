"""Timers of the house."""
