"""What people type: one file for each `wyoming-rosie` command."""
