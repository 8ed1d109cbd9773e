"""Trust between the programs of a house: its authority, its members, and TLS between them."""
