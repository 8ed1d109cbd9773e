"""Text processing that several programs share."""
