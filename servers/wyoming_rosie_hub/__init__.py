"""The conductor: runs turns between satellites and daemons when Home Assistant does not."""
