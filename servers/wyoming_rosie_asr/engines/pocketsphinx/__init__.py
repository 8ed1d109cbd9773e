"""The pocketsphinx engine: a grammar made from the sentences of one home."""
