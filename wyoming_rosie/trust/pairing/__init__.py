"""Pairing: a program of another machine becomes a member of the house by a short code that is shown at the hub."""
