"""ESPHome's native API: Home Assistant takes the satellite for a voice assistant device of its own."""
