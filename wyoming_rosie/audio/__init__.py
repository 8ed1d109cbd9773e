"""Audio formats, conversion and audio files."""
