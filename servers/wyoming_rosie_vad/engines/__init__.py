"""Voice activity detection engines, one file each."""
