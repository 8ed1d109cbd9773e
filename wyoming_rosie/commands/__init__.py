"""The `wyoming-rosie` command: one module for each subcommand."""
