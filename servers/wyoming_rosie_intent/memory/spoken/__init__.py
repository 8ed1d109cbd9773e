"""Memory in spoken sentences: what is asked of it, and its answers, by rules alone."""
