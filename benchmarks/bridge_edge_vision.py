"""Cost of the edge classifier's stages, and how well it sees people, on the pedestrian video of Debian's opencv-doc.

    python benchmarks/bridge_edge_vision.py [VIDEO] [--frames-per-second 5]

It prints CPU milliseconds of each stage per frame that reaches it and per frame of the camera, the share of frames that are
passed on, and, for Debian's video, precision and recall against the labels in tests/pedestrians.py.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np

from tests.pedestrians import LABELLED, SECTIONS, find_video
from wyoming_rosie_bridge.vision.edge.frames import FrameReport
from wyoming_rosie_bridge.vision.edge.people import PeopleDetector
from wyoming_rosie_bridge.vision.edge.pipeline import ArrayPicture, CameraPipeline, StageTimes
from wyoming_rosie_bridge.vision.edge.video import VideoPicture

STAGES = "decode", "scale", "running average", "motion", "objects", "jpeg"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", nargs="?", type=Path, help="[default: Debian's vtest.avi]")
    parser.add_argument("--frames-per-second", type=float, default=5.0)
    options = parser.parse_args()
    video = options.video or find_video()
    if video is None:
        sys.exit("there is no vtest.avi: apt install opencv-doc, or name a video")
    cv2.setNumThreads(1)
    times, reports = look_at_all(video, options.frames_per_second)
    print_costs(times, len(reports))
    print_outcomes(reports)
    if options.video is None:
        print_accuracy(look_at_sections(video))


def decode(video: Path, frames_per_second: float, times: StageTimes) -> Iterator[tuple[float, "av.VideoFrame"]]:
    """Yield the frames that the classifier would look at; the others are decoded as well, as a camera's must be."""
    due = 0.0
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        frames = container.decode(stream)
        while True:
            with times.measure("decode"):
                frame = next(frames, None)
            if frame is None:
                return
            if frame.time is not None and frame.time >= due:
                due += 1 / frames_per_second
                yield frame.time, frame


def look_at_all(video: Path, frames_per_second: float) -> tuple[StageTimes, list[FrameReport]]:
    times = StageTimes()
    pipeline = CameraPipeline(PeopleDetector(), times)
    return times, [pipeline.process(VideoPicture(frame), at) for at, frame in decode(video, frames_per_second, times)]


def look_at_sections(video: Path) -> dict[tuple[str, int], FrameReport]:
    """Return the reports for the labelled parts of the picture, at 5 of 10 frames a second."""
    pipelines = {name: CameraPipeline(PeopleDetector()) for name in SECTIONS}
    found = {}
    for index, (at, frame) in enumerate(decode(video, 5.0, StageTimes())):
        image = VideoPicture(frame).color()
        for name, (left, top, right, bottom) in SECTIONS.items():
            picture = ArrayPicture(np.ascontiguousarray(image[top:bottom, left:right]))
            found[name, 2 * index] = pipelines[name].process(picture, at)
    return found


def print_costs(times: StageTimes, frames: int) -> None:
    print("| stage | frames | CPU ms, mean | 95 % | CPU ms per frame looked at |")
    print("|---|---|---|---|---|")
    total = 0.0
    for stage in STAGES:
        spent = 1000 * np.array(times.seconds.get(stage, [0.0]))
        total += float(spent.sum())
        cells = f"{len(spent)} | {spent.mean():.2f} | {np.percentile(spent, 95):.2f} | {spent.sum() / frames:.2f}"
        print(f"| {stage} | {cells} |")
    print(f"| all | {frames} | | | {total / frames:.2f} |")


def print_outcomes(reports: list[FrameReport]) -> None:
    outcomes = Counter(report.label or report.phase for report in reports)
    passed = sum(report.jpeg is not None for report in reports)
    print(f"\nframes: {', '.join(f'{label} {count}' for label, count in outcomes.most_common())}")
    print(f"passed on: {passed} of {len(reports)} ({100 * passed / len(reports):.0f} %)\n")


def print_accuracy(reports: dict[tuple[str, int], FrameReport]) -> None:
    print("| frames | labelled | called a person | with motion |")
    print("|---|---|---|---|")
    for shown in ("whole", "part", "nobody"):
        keys = [key for key, label in LABELLED.items() if label == shown]
        people = sum(reports[key].label == "person" for key in keys)
        motion = sum(reports[key].phase == "motion" for key in keys)
        print(f"| {shown} | {len(keys)} | {people} | {motion} |")


if __name__ == "__main__":
    main()
