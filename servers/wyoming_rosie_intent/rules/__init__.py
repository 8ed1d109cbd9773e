"""Intent recognition by rules: sentence templates, corrections and sentences of several commands."""
