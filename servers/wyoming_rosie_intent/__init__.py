"""Understands sentences and acts on the home, or says who should."""
