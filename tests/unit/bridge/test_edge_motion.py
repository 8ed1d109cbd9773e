"""What moves is found; light, noise and empty scenes are not reported."""

from collections.abc import Callable

import pytest

cv2 = pytest.importorskip("cv2", reason="the edge classifier needs OpenCV: pip install 'wyoming-rosie[vision]'")
np = pytest.importorskip("numpy")

from wyoming_rosie_bridge.vision.edge.frames import Box, Found, FrameReport  # noqa: E402
from wyoming_rosie_bridge.vision.edge.motion import CALIBRATION_FRAMES, Gray  # noqa: E402
from wyoming_rosie_bridge.vision.edge.people import Color, PeopleDetector  # noqa: E402
from wyoming_rosie_bridge.vision.edge.pipeline import (  # noqa: E402
    MAX_LARGE_SCORE,
    ArrayPicture,
    CameraPipeline,
    StillPipeline,
    decode_picture,
    encode_jpeg,
)

HEIGHT, WIDTH = 360, 640
FRAMES_PER_SECOND = 5
WARM_UP = 3 * CALIBRATION_FRAMES


def scene() -> Gray:
    """Return a room with edges and texture, in grey levels."""
    draw = np.random.default_rng(1)
    room = cv2.resize(draw.uniform(60, 160, (18, 32)).astype(np.float32), (WIDTH, HEIGHT))
    for x in range(40, WIDTH, 90):
        cv2.rectangle(room, (x, 120), (x + 40, 300), float(draw.uniform(40, 180)), -1)
    found: Gray = room
    return found


class Camera:
    """A still camera whose sensor has noise."""

    def __init__(self, noise: float = 2.0) -> None:
        self.pipeline = CameraPipeline(None)
        self._scene = scene()
        draw = np.random.default_rng(2)
        self._noises = [draw.normal(0, noise, self._scene.shape).astype(np.float32) for _ in range(7)]
        self._count = 0

    def shoot(
        self, gain: float = 1.0, offset: float = 0.0, change: Callable[[Gray], None] | None = None
    ) -> FrameReport:
        image = self._scene * gain + offset
        if change is not None:
            change(image)
        gray = np.clip(image + self._noises[self._count % 7], 0, 255).astype(np.uint8)
        self._count += 1
        return self.pipeline.process(
            ArrayPicture(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)), self._count / FRAMES_PER_SECOND
        )

    def warm_up(self) -> None:
        for _ in range(WARM_UP):
            self.shoot()


def labels(reports: list[FrameReport]) -> set[str | None]:
    return {report.label for report in reports}


def block(x: int, width: int = 30, height: int = 90) -> Callable[[Gray], None]:
    def paint(image: Gray) -> None:
        image[200 : 200 + height, x : x + width] = 230

    return paint


def test_something_that_moves_is_reported_where_it_is() -> None:
    camera = Camera()
    camera.warm_up()
    report = [camera.shoot(change=block(100 + 20 * step)) for step in range(6)][-1]
    assert report.label == "motion"
    left, top, right, bottom = report.regions[0]
    assert left <= 200 / WIDTH + 0.02
    assert right >= 230 / WIDTH - 0.02
    assert top == pytest.approx(200 / HEIGHT, abs=0.05)
    assert bottom == pytest.approx(290 / HEIGHT, abs=0.05)


def test_who_stops_is_seen_for_some_seconds_more() -> None:
    camera = Camera()
    camera.warm_up()
    for step in range(6):
        camera.shoot(change=block(100 + 20 * step))
    assert labels([camera.shoot(change=block(200)) for _ in range(8 * FRAMES_PER_SECOND)]) == {"motion"}


def test_motion_is_passed_on_with_its_picture() -> None:
    camera = Camera()
    camera.warm_up()
    reports = [camera.shoot(change=block(100 + 20 * step)) for step in range(6)]
    pictures = [report.jpeg for report in reports if report.jpeg is not None]
    assert len(pictures) == 1
    image = decode_picture(pictures[0])
    assert image is not None
    assert image.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("noise", [0.0, 2.0, 6.0, 15.0], ids=lambda noise: f"noise {noise:g}")
def test_an_empty_scene_is_not_reported(noise: float) -> None:
    camera = Camera(noise)
    camera.warm_up()
    assert labels([camera.shoot() for _ in range(60)]) == {None}


@pytest.mark.parametrize(
    ("gain", "offset"),
    [(1.5, 0.0), (0.5, 0.0), (1.0, 40.0), (1.0, -40.0), (0.1, 0.0), (0.0, 250.0)],
    ids=["brighter", "darker", "fog", "shade", "lamp off", "blinded"],
)
def test_a_change_of_the_light_is_not_reported(gain: float, offset: float) -> None:
    camera = Camera()
    camera.warm_up()
    assert labels([camera.shoot(gain, offset) for _ in range(40)]) == {None}
    assert labels([camera.shoot() for _ in range(40)]) == {None}


def test_a_lamp_that_lights_a_part_of_the_room_is_not_reported() -> None:
    def lamp(image: Gray) -> None:
        image[:, : WIDTH // 3] = image[:, : WIDTH // 3] * 1.4

    camera = Camera()
    camera.warm_up()
    assert labels([camera.shoot(change=lamp) for _ in range(40)]) == {None}


def test_dusk_is_not_reported() -> None:
    camera = Camera()
    camera.warm_up()
    assert labels([camera.shoot(1 - step / 600) for step in range(300)]) == {None}


def test_a_lamp_that_flickers_is_not_reported() -> None:
    camera = Camera()
    camera.warm_up()
    assert labels([camera.shoot(1.4 if step % 20 < 10 else 1.0) for step in range(100)]) == {None}


def test_after_a_change_of_the_light_motion_is_found_again() -> None:
    camera = Camera()
    camera.warm_up()
    for _ in range(WARM_UP):
        camera.shoot(1.5)
    assert "motion" in labels([camera.shoot(1.5, change=block(100 + 20 * step)) for step in range(6)])


def test_a_large_object_is_called_just_that_with_little_confidence() -> None:
    camera = Camera()
    camera.warm_up()
    reports = [camera.shoot(change=block(40 * step, 220, 90)) for step in range(6)]
    large = [report for report in reports if report.label == "large_moving_object"]
    assert large
    assert all(0 < report.score <= MAX_LARGE_SCORE for report in large)


class EverythingIsADog:
    """Finds a dog in each region."""

    def find(self, image: Color, regions: list[Box]) -> list[Found]:
        return [Found(0.9, "dog", region) for region in regions]

    def find_anywhere(self, image: Color) -> list[Found]:
        return []


def test_a_picture_without_regions_in_which_nothing_is_found_has_no_label() -> None:
    still = StillPipeline(EverythingIsADog())  # type: ignore[arg-type]
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    assert still.process(image).label is None
    assert still.classify(image, [(0.1, 0.1, 0.2, 0.2)]).label == "dog"


def test_people_at_the_edges_of_an_image_and_tiny_regions_are_borne() -> None:
    image = np.zeros((120, 160, 3), np.uint8)
    regions = [(0.0, 0.0, 1.0, 1.0), (0.0, 0.9, 0.01, 1.0), (0.99, 0.0, 1.0, 0.5), (0.0, 0.4, 1.0, 0.41)]
    assert PeopleDetector().find(image, regions) == []


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0" + b"\0" * 50, b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    assert decode_picture(content) is None


def test_a_picture_survives_jpeg() -> None:
    image = np.full((40, 60, 3), 90, np.uint8)
    decoded = decode_picture(encode_jpeg(image))
    assert decoded is not None
    assert decoded.shape == image.shape
