"""Files that a power cut leaves whole: either the old content or the new one."""

import os
from pathlib import Path

PRIVATE = 0o600
"""Mode of files that only their owner reads."""


def write(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Replace the file atomically; the umask applies to `mode`. Raises OSError.

    It belongs to the owner of its folder, also if root writes it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with open(new, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    give_to_owner(new, path.parent)
    new.replace(path)


def give_to_owner(file: Path, folder: Path) -> None:
    """Let the user of a folder read what root has written into it. Raises OSError."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(file, owner.st_uid, owner.st_gid)
