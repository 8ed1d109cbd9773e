"""Models that are fetched by name: where they come from, where they lie, what is known of them."""
