"""Speaker identification: voices as vectors, enrolled persons, and the decision who speaks."""
