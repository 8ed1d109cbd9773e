"""The demo actor: a simulated home in memory."""
