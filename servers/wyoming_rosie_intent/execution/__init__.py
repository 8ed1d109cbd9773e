"""Execution of commands: targets, policy, confirmation, executor, audit log."""
