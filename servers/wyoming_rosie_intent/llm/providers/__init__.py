"""One file per kind of server that offers language models."""
