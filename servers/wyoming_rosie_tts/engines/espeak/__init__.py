"""espeak-ng."""
