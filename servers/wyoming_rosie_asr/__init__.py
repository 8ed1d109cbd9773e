"""Speech to text over the Wyoming protocol."""
