"""Certificates of the house, made in a folder of the test's own."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.http.certificates import CertificateFiles, CertificateUpdate, ensure_certificate, fingerprint

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
NAMES = ("kitchenpi", "kitchenpi.local", "localhost", "127.0.0.1", "192.168.1.7", "::1")
MADE = CertificateUpdate(is_new=True)
KEPT = CertificateUpdate(is_new=False)


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    return CertificateFiles(tmp_path / "tls")


def test_both_certificates_are_made_once(files: CertificateFiles) -> None:
    assert ensure_certificate(files, NAMES, NOW) == MADE
    before = files.certificate.read_bytes()
    assert ensure_certificate(files, NAMES, NOW + timedelta(days=300)) == KEPT
    assert files.certificate.read_bytes() == before
    ssl.create_default_context(cafile=files.authority)
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(files.certificate, files.key)


def test_only_the_owner_reads_the_keys(files: CertificateFiles) -> None:
    ensure_certificate(files, NAMES, NOW)
    for key in (files.key, files.authority_key):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("names", "days"), [(NAMES, 370), ((*NAMES, "192.168.1.8"), 0)], ids=["expires soon", "another address"]
)
def test_a_renewed_certificate_has_the_same_authority(
    files: CertificateFiles, names: tuple[str, ...], days: int
) -> None:
    ensure_certificate(files, NAMES, NOW)
    authority = fingerprint(files.authority)
    assert ensure_certificate(files, names, NOW + timedelta(days=days)) == MADE
    assert fingerprint(files.authority) == authority


def test_the_authority_signs_for_this_house_only(files: CertificateFiles) -> None:
    ensure_certificate(files, NAMES, NOW)
    foreign = (*NAMES, "bank.example", "8.8.8.8", "notlocal")
    assert ensure_certificate(files, foreign, NOW) == CertificateUpdate(False, ("bank.example", "8.8.8.8", "notlocal"))


def test_a_name_that_was_given_at_first_is_signed_for(files: CertificateFiles) -> None:
    assert ensure_certificate(files, (*NAMES, "rosie.example.org"), NOW) == MADE


def test_a_certificate_of_another_authority_is_replaced(files: CertificateFiles, tmp_path: Path) -> None:
    ensure_certificate(files, NAMES, NOW)
    other = CertificateFiles(tmp_path / "other")
    ensure_certificate(other, NAMES, NOW)
    files.certificate.write_bytes(other.certificate.read_bytes())
    assert ensure_certificate(files, NAMES, NOW) == MADE


@pytest.mark.parametrize("name", ["authority", "certificate", "authority_key"])
def test_a_broken_file_names_the_folder(files: CertificateFiles, name: str) -> None:
    ensure_certificate(files, NAMES, NOW)
    getattr(files, name).write_bytes(b"-----BEGIN NOTHING-----")
    with pytest.raises(ConfigError, match="delete the folder"):
        ensure_certificate(files, (*NAMES, "192.168.1.9"), NOW)
