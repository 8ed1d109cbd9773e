"""Timers of the home and delayed commands."""
