"""Google Calendar over its API v3."""
