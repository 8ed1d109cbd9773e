"""Wake word detection that the wake daemon and the satellite share."""
