"""Memory: what was said, told and read, kept in a store and found again."""
