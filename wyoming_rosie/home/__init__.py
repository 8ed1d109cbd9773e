"""The home: its model, the loader of home files and their watcher."""
