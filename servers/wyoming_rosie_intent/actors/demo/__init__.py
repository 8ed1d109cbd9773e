"""The demo home in memory."""
