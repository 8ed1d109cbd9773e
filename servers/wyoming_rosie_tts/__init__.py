"""Text to speech over the Wyoming protocol."""
