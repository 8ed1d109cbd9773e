"""pocketsphinx with a grammar of the home."""
