"""People are found in OpenCV's pedestrian video, compared with labels that a person gave to its frames."""

from pathlib import Path

import pytest

cv2 = pytest.importorskip("cv2", reason="the edge classifier needs OpenCV: pip install 'wyoming-rosie[vision]'")

from tests.pedestrians import LABELLED, SECTIONS, find_video, read_frames  # noqa: E402
from wyoming_rosie_bridge.vision.edge.frames import FrameReport  # noqa: E402
from wyoming_rosie_bridge.vision.edge.people import PeopleDetector  # noqa: E402
from wyoming_rosie_bridge.vision.edge.pipeline import ArrayPicture, CameraPipeline  # noqa: E402


@pytest.fixture(scope="module")
def reports() -> dict[tuple[str, int], FrameReport]:
    """What the classifier says about each section of the video at 5 frames a second."""
    video = find_video()
    if video is None:
        pytest.skip("there is no vtest.avi: apt install opencv-doc")
    cv2.setNumThreads(1)
    return look(video)


def look(video: Path) -> dict[tuple[str, int], FrameReport]:
    pipelines = {name: CameraPipeline(PeopleDetector()) for name in SECTIONS}
    found = {}
    for index, image in read_frames(video, every=2):
        for name, (left, top, right, bottom) in SECTIONS.items():
            picture = ArrayPicture(image[top:bottom, left:right].copy())
            found[name, index] = pipelines[name].process(picture, index / 10)
    return found


@pytest.mark.long
def test_nobody_is_seen_where_nobody_is(reports: dict[tuple[str, int], FrameReport]) -> None:
    empty = [key for key, shown in LABELLED.items() if shown == "nobody"]
    assert len(empty) == 23
    assert [key for key in empty if reports[key].label == "person"] == []


def test_most_whole_people_are_seen(reports: dict[tuple[str, int], FrameReport]) -> None:
    whole = [key for key, shown in LABELLED.items() if shown == "whole"]
    seen = [key for key in whole if reports[key].label == "person"]
    assert len(whole) == 10
    assert len(seen) >= 7


def test_all_people_move(reports: dict[tuple[str, int], FrameReport]) -> None:
    people = [key for key, shown in LABELLED.items() if shown != "nobody"]
    assert [key for key in people if reports[key].phase != "motion"] == []
