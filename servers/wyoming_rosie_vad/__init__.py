"""Voice activity detection over the Wyoming protocol."""
