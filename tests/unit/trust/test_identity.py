"""Files of an identity, and what is wrong with them."""

import asyncio
import ssl
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.houses import House
from wyoming_rosie.errors import BadEventError, ConfigError
from wyoming_rosie.http.certificates import CertificateFiles, ensure_certificate
from wyoming_rosie.trust import membership
from wyoming_rosie.trust.authority import create_request, find_authority, read_request
from wyoming_rosie.trust.identity import IdentityFiles, house_id, load_identity, save_identity
from wyoming_rosie.trust.issuing import ensure_authority
from wyoming_rosie.trust.members import load_registry
from wyoming_rosie.trust.membership import Membership

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = 86_400


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def files(house: House) -> IdentityFiles:
    return IdentityFiles(house.add("satellite", "Küche.Süd", NOW))


def test_an_identity_says_who_the_program_is(house: House, files: IdentityFiles) -> None:
    identity = load_identity(files.folder)
    assert identity is not None
    [member] = load_registry(house.authority / "members.json").members
    assert identity.certificate.member == replace(member, scopes=frozenset())  # which the roster gives
    assert (member.name, member.role) == ("Küche.Süd", "satellite")
    assert identity.certificate.not_before == NOW.timestamp()
    assert identity.certificate.not_after == NOW.timestamp() + 90 * DAY
    assert (
        find_authority(house.authority)
        .certificate.fingerprint(
            find_authority(house.authority).certificate.signature_hash_algorithm  # type: ignore[arg-type]
        )
        .hex()
        .startswith(house_id(identity.authorities))
    )


def test_only_the_owner_reads_the_key(files: IdentityFiles) -> None:
    assert stat.S_IMODE(files.member.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.folder.stat().st_mode) == 0o700


def test_a_folder_without_an_identity_is_none(tmp_path: Path) -> None:
    assert load_identity(tmp_path / "nothing") is None
    assert Membership.load(tmp_path / "nothing") is None


def truncate(files: IdentityFiles) -> None:
    files.member.write_bytes(files.member.read_bytes()[:150])


def truncate_certificate(files: IdentityFiles) -> None:
    files.member.write_bytes(files.member.read_bytes()[:-150])


def empty(files: IdentityFiles) -> None:
    files.member.write_bytes(b"")


def take_foreign_key(files: IdentityFiles) -> None:
    certificate = files.member.read_bytes().partition(b"-----END PRIVATE KEY-----\n")[2]
    files.member.write_bytes(create_request()[0] + certificate)


def take_foreign_house(files: IdentityFiles) -> None:
    other = House(files.folder.parent / "other")
    files.house.write_bytes(IdentityFiles(other.add("hub", "hub")).house.read_bytes())


def garble_house(files: IdentityFiles) -> None:
    files.house.write_bytes(b"no certificate")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (truncate, "cannot be used: a key or a certificate in it is damaged"),
        (truncate_certificate, "cannot be used"),
        (empty, "cannot be used: a key or a certificate in it is damaged"),
        (take_foreign_key, "the key belongs to another certificate"),
        (take_foreign_house, "not from this house"),
        (garble_house, "cannot be used"),
        (lambda files: files.house.unlink(), r"house\.pem is missing"),
        (lambda files: files.member.unlink(), r"member\.pem is missing"),
    ],
    ids=[
        "a truncated key", "a truncated certificate", "empty", "the key of another certificate", "another house",
        "a garbled authority", "no authority", "no key",
    ],
)  # fmt: skip
def test_damaged_files_are_an_error_with_the_next_step(files: IdentityFiles, damage, reason: str) -> None:  # type: ignore[no-untyped-def]
    damage(files)
    with pytest.raises(ConfigError, match=f"{reason}.*wyoming-rosie pair"):
        load_identity(files.folder)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_key_that_others_may_use_is_refused(files: IdentityFiles, mode: int) -> None:
    files.member.chmod(mode)
    with pytest.raises(ConfigError, match=f"chmod 600 {files.member}"):
        load_identity(files.folder)


def test_the_certificate_of_the_page_is_none_of_a_program(house: House, files: IdentityFiles) -> None:
    page = CertificateFiles(house.authority)
    ensure_certificate(page, ["hubpi", "127.0.0.1"], NOW)
    save_identity(files.folder, page.key.read_bytes(), page.certificate.read_bytes(), page.authority.read_bytes())
    with pytest.raises(ConfigError, match=r"cannot be used|none of a program"):
        load_identity(files.folder)


def test_a_house_with_members_keeps_its_authority_whatever_the_clock_says(house: House, files: IdentityFiles) -> None:
    page = CertificateFiles(house.authority)
    before = page.authority.read_bytes()
    for year in (1970, 2036, 2050):
        ensure_certificate(page, ["hubpi", "127.0.0.1"], datetime(year, 6, 1, tzinfo=UTC))
    assert page.authority.read_bytes() == before


def test_an_authority_is_made_once_and_a_broken_one_is_not_replaced(house: House) -> None:
    assert ensure_authority(house.authority).pem == ensure_authority(house.authority).pem
    key = house.authority / "authority.key"
    key.write_bytes(key.read_bytes()[:100])
    with pytest.raises(ConfigError, match="its key or its certificate is damaged; restore it from a backup"):
        ensure_authority(house.authority)
    key.unlink()
    with pytest.raises(ConfigError, match=r"authority\.key is missing: restore it from a backup"):
        ensure_authority(house.authority)


def test_a_program_takes_only_an_identity_of_its_own_role(tmp_path: Path, files: IdentityFiles) -> None:
    with pytest.raises(ConfigError, match=r"Küche.Süd \(satellite\); give each program"):
        membership.load_for_process("asr", tmp_path, files.folder)
    with pytest.raises(ConfigError, match=r"--identity .*there is no identity"):
        membership.load_for_process("asr", tmp_path, tmp_path / "nothing")
    assert membership.current() is None


def test_a_command_that_needs_no_membership_runs_beside_a_broken_identity(files: IdentityFiles, tmp_path: Path) -> None:
    state = tmp_path / "state"
    (state / "identity").mkdir(parents=True)
    (state / "identity" / "member.pem").write_bytes(b"")
    try:
        membership.load_for_command([tmp_path / "none", state])
        assert membership.current() is None
        with pytest.raises(ConfigError, match="missing"):
            membership.require()
    finally:
        membership.load_for_command([])


def test_a_renewed_certificate_is_used_without_a_restart(house: House) -> None:
    own = house.member("asr", "asr", NOW)
    authority = find_authority(house.authority)
    key, request = create_request()
    later = datetime(2027, 1, 30, tzinfo=UTC)
    certificate = authority.issue_member(own.own, read_request(request), later)
    save_identity(own.identity.files.folder, key, certificate, authority.pem)
    before = own.server_context
    asyncio.run(own.reload_identity())
    assert own.identity.certificate.not_before == later.timestamp()
    assert own.server_context is not before


@pytest.mark.parametrize("request_", [b"", b"-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n"])
def test_a_broken_certificate_request_is_refused(request_: bytes) -> None:
    with pytest.raises(BadEventError, match="cannot be read"):
        read_request(request_)


def test_contexts_speak_tls_1_3_alone_and_trust_the_house_alone(house: House) -> None:
    own = house.member("asr", "asr")
    for context in (own.server_context, own.client_context):
        assert context.minimum_version is ssl.TLSVersion.TLSv1_3
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert len(context.get_ca_certs()) == 1
