"""The hub: a conductor, which runs turns between satellites and daemons in place of Home Assistant."""
