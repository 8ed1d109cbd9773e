"""The pedestrian video of Debian's opencv-doc, and what a person saw in some of its frames."""

import gzip
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from cv2.typing import MatLike

Shown: TypeAlias = Literal["nobody", "part", "whole"]
SECTIONS = {"grass": (0, 320, 400, 576), "road": (400, 280, 768, 576), "lawn": (0, 20, 400, 180)}
"""Parts of the picture as left, top, right, bottom: in the whole of it, there are people all the time."""
_SAMPLED = range(30, 790, 38)
_PEOPLE: dict[str, tuple[set[int], set[int]]] = {
    "grass": ({562, 600, 638, 676}, {714}),
    "road": ({220, 524, 562, 600}, {30, 68, 144, 182, 258, 334, 372, 448, 486, 638, 676, 714, 752}),
    "lawn": ({106, 144}, {68, 182, 220, 258, 296, 334, 372, 524, 562, 600, 638, 676, 714}),
}
"""By section: frames with at least one person as a whole, and frames in which the section's edge cuts off all of them."""
_FOLDER = Path("/usr/share/doc/opencv-doc")


def _shown(section: str, index: int) -> Shown:
    whole, part = _PEOPLE[section]
    return "whole" if index in whole else "part" if index in part else "nobody"


LABELLED: dict[tuple[str, int], Shown] = {
    (section, index): _shown(section, index) for section in SECTIONS for index in _SAMPLED
}


@cache
def find_video() -> Path | None:
    """Return the video, unpacked if need be; None if it is not installed."""
    found = next((path for path in sorted(_FOLDER.rglob("vtest.avi*")) if path.suffix in (".avi", ".gz")), None)
    if found is None or found.suffix == ".avi":
        return found
    unpacked = Path(tempfile.mkdtemp()) / "vtest.avi"
    with gzip.open(found) as packed, unpacked.open("wb") as file:
        shutil.copyfileobj(packed, file)
    return unpacked


def read_frames(video: Path, every: int = 1) -> "Iterator[tuple[int, MatLike]]":
    """Yield each frame that is a multiple of `every`, with its number."""
    import cv2

    capture, index = cv2.VideoCapture(str(video)), 0
    while True:
        read, image = capture.read()
        if not read:
            return
        if index % every == 0:
            yield index, image
        index += 1
