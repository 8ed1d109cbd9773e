"""Streamed model output: tool calls written as text, reasoning, false claims, clauses and length."""
