"""Daemon directory: configured, local and adopted daemons are used, others never."""

from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from wyoming_rosie.protocol.service_browser import DiscoveredService
from wyoming_rosie_hub.directory import DaemonDirectory

HERE = "192.168.1.5"
OWN = DiscoveredService("rosie-asr-pi-aaaaaa", HERE, 10333, "asr", "1")
STRANGER = DiscoveredService("aaa-asr", "192.168.1.66", 10300, "asr", "1")
KNOWN = DiscoveredService("rosie-asr-big-bbbbbb", "192.168.1.7", 10300, "asr", "1")
FIXED = "tcp://127.0.0.1:10300"


def directory(
    *announced: DiscoveredService, configured: str | None = None, adopted: Sequence[str] = ()
) -> DaemonDirectory:
    return DaemonDirectory(
        {"asr": configured}, adopted, lambda role: [one for one in announced if one.role == role], lambda: [HERE]
    )


@pytest.mark.parametrize(
    ("announced", "uri"),
    [
        ([], FIXED),
        ([STRANGER], FIXED),
        ([STRANGER, OWN], OWN.uri),
        ([STRANGER, KNOWN], KNOWN.uri),
        ([STRANGER, KNOWN, OWN], OWN.uri),
    ],
    ids=["nobody", "a stranger", "this machine's", "an adopted one", "this machine's before an adopted one"],
)
def test_an_unknown_daemon_never_gets_audio(announced: list[DiscoveredService], uri: str) -> None:
    assert directory(*announced, adopted=[KNOWN.name]).find_uri("asr") == uri


def test_a_configured_address_comes_before_all() -> None:
    assert directory(OWN, KNOWN, configured="tcp://there:1", adopted=[KNOWN.name]).find_uri("asr") == "tcp://there:1"


def test_used_and_unused_daemons_are_logged_once_with_the_next_step() -> None:
    one = directory(STRANGER, KNOWN, adopted=[KNOWN.name])
    with capture_logs() as logs:
        one.log_discovered()
        one.find_uri("asr")
    assert [(log["event"], log["name"]) for log in logs] == [
        ("announced daemon is not used", STRANGER.name),
        ("announced daemon is used", KNOWN.name),
    ]
    assert "--adopt 'aaa-asr'" in logs[0]["next"]
    assert f"--asr-uri {STRANGER.uri}" in logs[0]["next"]


def test_a_network_full_of_unknown_daemons_fills_neither_log_nor_memory() -> None:
    strangers = [DiscoveredService(f"a{number}", "192.168.1.66", number, "asr", "1") for number in range(1, 1000)]
    with capture_logs() as logs:
        directory(*strangers).find_uri("asr")
    assert len(logs) < 300


def test_a_daemon_that_cannot_be_reached_comes_after_the_others_until_these_fail_too() -> None:
    one = directory(OWN, KNOWN, adopted=[KNOWN.name])
    assert one.find_uris("asr") == (OWN.uri, KNOWN.uri)
    one.note_unreachable(OWN.uri)
    assert one.find_uris("asr") == (KNOWN.uri, OWN.uri)
    one.note_unreachable(KNOWN.uri)
    assert one.find_uris("asr") == (OWN.uri, KNOWN.uri)


def test_nobody_takes_the_place_of_a_configured_daemon() -> None:
    assert directory(OWN, KNOWN, configured="tcp://there:1", adopted=[KNOWN.name]).find_uris("asr") == (
        "tcp://there:1",
    )
