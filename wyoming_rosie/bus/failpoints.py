"""Failpoints: places between "stored" and "acknowledged" at which a test can have this process die.

`WYOMING_ROSIE_FAILPOINT=NAME:N` kills it when it passes NAME the Nth time; without the variable they do nothing.
"""

import os
import signal

VARIABLE = "WYOMING_ROSIE_FAILPOINT"
_name, _, _number = os.environ.get(VARIABLE, "").partition(":")
_remaining = int(_number) if _number.isdecimal() else 1


def pass_failpoint(name: str) -> None:
    """Die here, as by SIGKILL, if the environment asks for it."""
    global _remaining
    if name == _name:
        _remaining -= 1
        if _remaining <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
