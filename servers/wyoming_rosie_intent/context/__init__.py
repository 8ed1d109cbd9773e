"""What was said and done in the last minute, and sentences that refer to it."""
