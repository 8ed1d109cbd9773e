"""Language models: what they are asked, where, and what comes back."""
