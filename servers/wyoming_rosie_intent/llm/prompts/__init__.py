"""Prompts: templates, the context window, the history of conversations, and warming up."""
