"""The home: its model, read from a TOML file, and the watcher of that file."""
