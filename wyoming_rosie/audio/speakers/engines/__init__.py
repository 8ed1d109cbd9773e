"""Speaker engines: one module each."""
