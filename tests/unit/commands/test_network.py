"""Trust of this machine's hub in announced daemons."""

import pytest

from wyoming_rosie.commands.diagnostics.network import get_trust
from wyoming_rosie.protocol.service_browser import DiscoveredService

ASR = DiscoveredService("rosie-asr-x", "192.168.1.66", 10300, "asr", "1")


@pytest.mark.parametrize(
    ("trusted", "said"),
    [
        (set(), "--adopt 'rosie-asr-x'"),
        ({"rosie-asr-y", "tcp://192.168.1.66:10301"}, "does not use it"),
        ({"rosie-asr-x"}, "adopted"),
        ({"tcp://192.168.1.66:10300"}, "adopted"),
        ({"192.168.1.66"}, "on this machine"),
    ],
    ids=["nothing", "others", "its name", "its address with the port", "this machine's address"],
)
def test_doctor_says_who_is_adopted(trusted: set[str], said: str) -> None:
    assert said in get_trust(ASR, trusted)


def test_programs_that_hear_nobody_need_no_trust() -> None:
    assert get_trust(DiscoveredService("lamp", "192.168.1.66", 1, "", ""), set()) == ""
