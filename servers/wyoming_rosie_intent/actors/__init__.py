"""Those who act on what was understood, one file each."""
