"""LED boards: each module is one, named as in `--leds`, and has a function `load(brightness) -> LedDriver`."""
