"""Web server of the hub: the HTTP API and the page."""
