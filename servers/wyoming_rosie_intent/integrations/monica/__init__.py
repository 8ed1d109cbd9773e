"""Monica, an address book with birthdays, notes and reminders, over the API of its version 4."""
