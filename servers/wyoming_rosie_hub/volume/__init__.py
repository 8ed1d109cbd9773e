"""Volume of satellites: intents about it, and the service that carries them out."""
