"""Wake word detection over the Wyoming protocol, in many streams at once."""
