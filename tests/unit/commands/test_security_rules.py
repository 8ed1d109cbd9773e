"""What `doctor --security` makes of a report."""

import pytest

from wyoming_rosie.commands.diagnostics.security.report import (
    ApiKey,
    Listener,
    PrivateFile,
    Protection,
    SecurityReport,
    Severity,
    StoredIdentity,
)
from wyoming_rosie.commands.diagnostics.security.rules import assess, reach
from wyoming_rosie.protocol.admission import PRIVATE_NETWORKS

ALL = "0.0.0.0"
WIDE = (*PRIVATE_NETWORKS, "0.0.0.0/0")


@pytest.mark.parametrize(
    ("report", "severity", "word"),
    [
        (SecurityReport(listeners=(Listener("asr", ALL, 10300, Protection.PLAIN, PRIVATE_NETWORKS),)), "medium", "without TLS"),
        (SecurityReport(listeners=(Listener("asr", ALL, 11300, Protection.TLS, WIDE),)), "medium", "0.0.0.0/0"),
        (SecurityReport(listeners=(Listener("asr", ALL, 10300, Protection.PLAIN, PRIVATE_NETWORKS, ("ha",)),)), "low", "open to ha"),
        (SecurityReport(listeners=(Listener("hub", ALL, 8000, Protection.HTTP),)), "high", "HTTP without TLS"),
        (SecurityReport(listeners=(Listener("asr", "::", 9000, Protection.HTTP),)), "low", "HTTP without TLS"),
        (SecurityReport(files=(PrivateFile("key_file", "/k", 0o604, 1),)), "high", "other users"),
        (SecurityReport(files=(PrivateFile("key_file", "/k", 0o640, 1),)), "medium", "other users"),
        (SecurityReport(files=(PrivateFile("key_file", "/k", 0o600, 400),)), "low", "400 days"),
        (SecurityReport(identities=(StoredIdentity("asr", "nas", 3),)), "medium", "3 days"),
        (SecurityReport(identities=(StoredIdentity("asr", "", None, "it is damaged"),)), "high", "damaged"),
        (SecurityReport(keys=(ApiKey("tablet", 500),)), "low", "tablet"),
        (SecurityReport(brokers=(("mqtt", "mqtt", "192.168.1.4"),)), "high", "mqtt"),
        (SecurityReport(debugging=("asr",)), "medium", "--debug"),
        (SecurityReport(acts_without_audit=True), "low", "audit"),
        (SecurityReport(unpinned_models=("small.en",)), "low", "small.en"),
        (SecurityReport(troubles=("asr runs as another user: its ports cannot be seen",)), "low", "another user"),
    ],
)  # fmt: skip
def test_each_fault_is_told_with_a_severity_and_a_next_step(report: SecurityReport, severity: str, word: str) -> None:
    (finding,) = assess(report)
    assert finding.severity == severity
    assert word in finding.fault
    assert finding.next_step


@pytest.mark.parametrize(
    "report",
    [
        SecurityReport(),
        SecurityReport(listeners=(Listener("asr", "127.0.0.1", 10300, Protection.PLAIN, WIDE),)),
        SecurityReport(listeners=(Listener("asr", ALL, 11300, Protection.TLS, PRIVATE_NETWORKS),)),
        SecurityReport(listeners=(Listener("asr", ALL, 10300, Protection.PLAIN, PRIVATE_NETWORKS, ()),)),
        SecurityReport(files=(PrivateFile("memory", "/m", 0o600, 900, is_secret=False),)),
        SecurityReport(identities=(StoredIdentity("asr", "nas", 60),), keys=(ApiKey("old", None),)),
        SecurityReport(brokers=(("mqtt", "mqtt", "localhost"), ("nats", "tls", "192.168.1.4"))),
    ],
)
def test_what_is_in_order_is_not_mentioned(report: SecurityReport) -> None:
    assert assess(report) == []


def test_the_most_severe_comes_first() -> None:
    report = SecurityReport(
        keys=(ApiKey("tablet", 500),), debugging=("asr",), brokers=(("redis", "redis", "10.0.0.2"),)
    )
    assert [finding.severity for finding in assess(report)] == list(Severity)


def test_an_open_plain_port_for_the_whole_internet_is_severe() -> None:
    findings = assess(SecurityReport(listeners=(Listener("asr", ALL, 10300, Protection.PLAIN, WIDE),)))
    assert findings[0].severity is Severity.HIGH


@pytest.mark.parametrize(
    ("listener", "expected"),
    [
        (Listener("asr", "127.0.0.1", 1, Protection.PLAIN, PRIVATE_NETWORKS), "this machine"),
        (Listener("asr", ALL, 1, Protection.PLAIN, ("10.1.0.0/16",)), "private networks"),
        (Listener("asr", ALL, 1, Protection.PLAIN, WIDE), "wider than private networks"),
        (Listener("asr", ALL, 1, Protection.PLAIN, WIDE, ("ha", "10.0.0.9")), "this machine, ha, 10.0.0.9"),
        (Listener("hub", ALL, 1, Protection.HTTP), "all who reach this machine"),
    ],
)
def test_to_whom_a_listener_is_open(listener: Listener, expected: str) -> None:
    assert reach(listener) == expected
