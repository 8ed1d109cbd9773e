"""Wake word detection, shared by the wake daemon and the satellite."""
