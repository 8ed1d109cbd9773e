"""Normalization of written text into words, before an engine sees it."""
