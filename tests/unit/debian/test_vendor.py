"""Each wheel belongs to one Debian package, and comes with what its package needs."""

import hashlib
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debian import vendor
from debian.vendor import BinaryPackage, VendorError, Wheel, closure, partition

COMMON = BinaryPackage("common", shared=("yaml",))
LOWER = BinaryPackage("lower", needs=("common",), shared=("numpy",))
UPPER = BinaryPackage("upper", "upper", needs=("common", "lower"))
SIDE = BinaryPackage("side", "side", needs=("common",))


def _create_wheel(folder: Path, name: str, files: dict[str, str], requires: tuple[str, ...] = ()) -> Wheel:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    metadata = "".join(["Name: x\n", *(f"Requires-Dist: {line}\n" for line in requires)])
    content = {**files, f"{name}-1.0.dist-info/METADATA": metadata}
    record = "".join(f"{file},,\n" for file in (*content, f"{name}-1.0.dist-info/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**content, f"{name}-1.0.dist-info/RECORD": record}.items():
            archive.writestr(file, text)
    return Wheel(path)


def test_a_distribution_that_two_roles_need_belongs_to_the_package_below_them() -> None:
    closures = {"": {"wyoming"}, "upper": {"wyoming", "numpy", "soxr"}, "side": {"wyoming", "yaml"}}
    owner = partition((COMMON, LOWER, UPPER, SIDE), {extra: frozenset(names) for extra, names in closures.items()})
    assert owner == {"wyoming": "common", "yaml": "common", "numpy": "lower", "soxr": "upper"}


def test_a_distribution_of_a_package_that_is_not_a_dependency_is_refused() -> None:
    closures = {"": frozenset[str](), "upper": frozenset({"httpx", "numpy"}), "side": frozenset({"httpx", "yaml"})}
    with pytest.raises(VendorError, match="side and upper need httpx"):
        partition((COMMON, LOWER, UPPER, SIDE), closures)


def test_a_shared_distribution_that_no_role_needs_is_refused() -> None:
    with pytest.raises(VendorError, match="no package needs numpy"):
        partition((COMMON, LOWER, UPPER), {"": frozenset({"yaml"}), "upper": frozenset()})


NAMES = st.frozensets(st.sampled_from("abcdef"))


@given(base=NAMES, upper=NAMES, side=NAMES)
def test_every_partition_gives_each_role_all_that_it_needs(
    base: frozenset[str], upper: frozenset[str], side: frozenset[str]
) -> None:
    packages = (BinaryPackage("common"), *(BinaryPackage(name, name, ("common",)) for name in ("upper", "side")))
    closures = {"": base, "upper": upper, "side": side}
    try:
        owner = partition(packages, closures)
    except VendorError:
        assert (upper & side) - base
        return
    for package in packages:
        installed = {name for name, holder in owner.items() if holder in (package.name, *package.needs)}
        assert closures[package.extra] <= installed


def test_the_closure_follows_extras_and_markers() -> None:
    requirements = {
        "wyoming-rosie": ["wyoming>=1", "nats-py[nkeys]>=2; extra == 'bridge'", "numpy; extra == 'wake'"],
        "wyoming": ['old; python_version < "3"'],
        "nats-py": ["nkeys; extra == 'nkeys'", "aiohttp; extra == 'aiohttp'"],
        "nkeys": [],
    }
    assert closure(requirements, "") == {"wyoming-rosie", "wyoming"}
    assert closure(requirements, "bridge") == {"wyoming-rosie", "wyoming", "nats-py", "nkeys"}


@pytest.mark.parametrize(("machine", "library"), [("aarch64", {"for-boards"}), ("x86_64", set())])
def test_the_closure_is_that_of_the_machine_of_the_packages(machine: str, library: set[str]) -> None:
    requirements = {"wyoming-rosie": ['for-boards; platform_machine == "aarch64"'], "for-boards": []}
    assert closure(requirements, "", machine) == {"wyoming-rosie", *library}


def test_what_is_never_imported_is_left_out() -> None:
    requirements = {
        "wyoming-rosie": ["tokenizers; extra == 'whisper'"],
        "tokenizers": ["huggingface-hub", "numpy"],
        "numpy": [],
    }
    assert closure(requirements, "whisper") == {"wyoming-rosie", "tokenizers", "numpy"}


def test_a_missing_wheel_is_named() -> None:
    with pytest.raises(VendorError, match="numpy is needed"):
        closure({"wyoming-rosie": ["numpy; extra == 'wake'"]}, "wake")


def test_a_wheel_is_unpacked_by_its_record_without_scripts_and_tests(tmp_path: Path) -> None:
    files = {"pkg/__init__.py": "", "pkg/tests/test_x.py": "", "pkg/x.pyi": "", "pkg/.gitignore": "", "pkg-1.0.data/scripts/run": "", "pkg-1.0.data/purelib/more.py": ""}  # fmt: skip
    unpacked = set(_create_wheel(tmp_path, "pkg", files).unpack(tmp_path / "site"))
    assert unpacked == {"pkg/__init__.py", "more.py", "pkg-1.0.dist-info/METADATA", "pkg-1.0.dist-info/RECORD"}
    assert all((tmp_path / "site" / path).is_file() for path in unpacked)


def test_two_distributions_with_the_same_file_are_refused(tmp_path: Path) -> None:
    list(_create_wheel(tmp_path, "one", {"same.py": ""}).unpack(tmp_path / "site"))
    with pytest.raises(VendorError, match=r"same\.py is a file of another"):
        list(_create_wheel(tmp_path, "two", {"same.py": ""}).unpack(tmp_path / "site"))


def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VendorError, match="leaves the library folder"):
        list(_create_wheel(tmp_path, "bad", {"../evil.py": ""}).unpack(tmp_path / "site"))


def test_a_library_under_several_names_is_stored_once(tmp_path: Path) -> None:
    files = {"pkg/libx.so": "same", "pkg/libx.so.1": "same", "pkg/liby.so.1": "same", "pkg/libx.so.2": "other"}
    list(_create_wheel(tmp_path, "pkg", files).unpack(tmp_path / "site"))
    links = {path.name: str(path.readlink()) for path in (tmp_path / "site/pkg").iterdir() if path.is_symlink()}
    assert links == {"libx.so.1": "libx.so"}


def test_a_wheel_that_is_not_the_locked_file_is_refused(tmp_path: Path) -> None:
    wheel = _create_wheel(tmp_path, "wyoming", {})
    with pytest.raises(VendorError, match="is not the file"):
        vendor.check_wheels(tmp_path)
    assert hashlib.sha256(wheel.path.read_bytes()).hexdigest() not in vendor.locked_hashes("wyoming")


def test_the_lock_is_read_with_its_markers_and_hashes() -> None:
    text = "numpy==2.4 ; python_full_version < '3.12' \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via x\nidna==3 \\\n    --hash=sha256:cc\n"
    numpy, idna = vendor.parse_lock(text)
    assert (numpy.name, numpy.version, numpy.marker, numpy.hashes) == ("numpy", "2.4", "python_full_version < '3.12'", frozenset({"aa", "bb"}))  # fmt: skip
    assert (idna.marker, idna.hashes) == ("", frozenset({"cc"}))


def test_every_requirement_of_the_lock_is_read() -> None:
    text = vendor.LOCK.read_text()
    requirements = list(vendor.parse_lock(text))
    assert len(requirements) == sum("==" in line and not line.startswith(" ") for line in text.splitlines())
    assert all(requirement.hashes for requirement in requirements)
