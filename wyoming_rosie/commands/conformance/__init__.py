"""What `wyoming-rosie check` tries: one file for each role, and some for what all programs must do."""
