"""The intent daemon: recognizes intents and executes them, or hands them to the conductor."""
