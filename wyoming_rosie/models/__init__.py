"""Model catalog: models by name, their sources, their folders and their download."""
