"""Extraction of facts from talk by a language model, while nobody speaks: off unless it is switched on."""
