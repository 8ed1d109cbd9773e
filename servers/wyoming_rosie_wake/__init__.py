"""Finds wake words in many streams of audio at once."""
