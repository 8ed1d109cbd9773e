"""Button drivers: each module is one, named as in `--button`, and has a function `load(address) -> ButtonDriver`."""
