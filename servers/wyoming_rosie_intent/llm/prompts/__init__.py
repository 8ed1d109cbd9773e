"""Prompts: templates, the context window that they must fit into, the conversation so far, and warming up."""
