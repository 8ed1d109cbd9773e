"""Imports all that the library folder of the installed packages has: python3 -IS deb_imports.py FOLDER.

These are the top-level modules of its distributions, and all modules that are machine code.
"""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

_EXTENSION = re.compile(r"\.(cpython-[\w-]+|abi3)\.so$")


def module_names(folder: Path) -> Iterator[str]:
    """Yield the names of the modules to import."""
    yield from (path.stem for path in folder.glob("*.py"))
    yield from (path.parent.name for path in folder.glob("*/__init__.py"))
    for path in folder.rglob("*.so"):
        if _EXTENSION.search(path.name):
            yield ".".join((*path.relative_to(folder).parts[:-1], path.name.split(".")[0])).removesuffix(".__init__")


def main() -> None:
    """Import everything; print the number of distributions and modules, or what cannot be imported."""
    folder = Path(sys.argv[1])
    sys.path.insert(0, str(folder))
    names = sorted(set(module_names(folder)))
    failed = []
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as err:  # noqa: BLE001 - all that fail are told
            failed.append(f"{name}: {type(err).__name__}: {err}")
    if failed or not names:
        sys.exit("\n".join(failed) or f"{folder} has no modules")
    print(f"{len(names)} modules of {len(list(folder.glob('*.dist-info')))} distributions")


if __name__ == "__main__":
    main()
