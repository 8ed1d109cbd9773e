"""Timers, alarms, reminders and delayed commands of a home, as their conductor keeps them."""
