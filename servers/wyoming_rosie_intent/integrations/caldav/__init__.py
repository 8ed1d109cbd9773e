"""Calendars on a CalDAV server, such as Nextcloud and Radicale."""
