"""Trust service: the house's roster and certificates for its members."""
