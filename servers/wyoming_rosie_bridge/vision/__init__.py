"""Vision: what cameras see becomes events."""
