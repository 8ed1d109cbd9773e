"""State that survives a restart: timers, volume, mute and the offline queue."""
