"""Cameras of the settings, and what of them may show."""

import pytest

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_bridge.vision.edge.sources import CameraSource, parse_cameras

SECRET = "s3cr3t:/@"
QUOTED = "s3cr3t%3A%2F%40"


def parse(address: str, camera: str = "yard", arguments: tuple[str, ...] = ()) -> CameraSource:
    return parse_cameras({camera: address}, "--camera", arguments)[0]


@pytest.mark.parametrize(
    ("address", "kind", "place"),
    [
        (f"rtsp://viewer:{QUOTED}@cam:8554/live/token?key=x", "stream", "rtsp://cam:8554"),
        (f"rtsps://viewer:{QUOTED}@[fd00::1]/live", "stream", "rtsps://[fd00::1]"),
        (f"https://viewer:{QUOTED}@cam/picture.jpg?user=a&password=b", "http", "https://cam"),
        ("mqtt:door/picture", "mqtt", "mqtt:door/picture"),
        ("file:/videos/one.avi", "file", "file:/videos/one.avi"),
        ("folder:/srv/pictures", "folder", "folder:/srv/pictures"),
    ],
)
def test_a_camera_shows_where_it_is_and_nothing_else(address: str, kind: str, place: str) -> None:
    source = parse(address)
    assert (source.kind, source.place) == (kind, place)
    for secret in (SECRET, QUOTED, "viewer", "token", "password"):
        assert secret not in repr(source)
        assert secret not in source.place


def test_the_library_gets_the_password() -> None:
    source = parse(f"rtsp://viewer:{QUOTED}@cam:8554/live?x=1")
    assert source.password == SECRET
    assert source.url_with_secret() == f"rtsp://viewer:{QUOTED}@cam:8554/live?x=1"


def test_a_password_that_is_not_in_the_url_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMERA_FRONT_DOOR_PASSWORD", SECRET)
    assert parse("rtsp://viewer@cam/live", "front-door").url_with_secret() == f"rtsp://viewer:{QUOTED}@cam/live"


def test_a_password_in_a_flag_is_refused_without_showing_it() -> None:
    address = f"rtsp://viewer:{QUOTED}@cam/live"
    for arguments in (("--camera.yard", address), (f"--camera.yard={address}",)):
        with pytest.raises(ConfigError, match="CAMERA_YARD_PASSWORD") as caught:
            parse(address, arguments=arguments)
        assert QUOTED not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [f"ftp://viewer:{QUOTED}@cam/x", f"rtsp://viewer:{QUOTED}@", f"rtsp://viewer:{QUOTED}@[x/", f"{QUOTED}", "",
     "mqtt:", "mqtt:a/+/b", "mqtt:#", "file:", f"rtsp://viewer:{QUOTED}@cam:port/x"],
)  # fmt: skip
def test_a_wrong_address_is_an_error_that_does_not_show_it(address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(address)
    assert QUOTED not in str(caught.value)
    assert "--camera.yard" in str(caught.value)


@pytest.mark.parametrize("camera", ["", "Yard", "a/b", "a.b", "+", "x" * 65, "ü"])
def test_a_camera_has_a_name_that_topics_can_hold(camera: str) -> None:
    with pytest.raises(ConfigError, match="a-z"):
        parse("mqtt:a", camera)


def test_two_cameras_with_one_topic_are_refused() -> None:
    with pytest.raises(ConfigError, match="same MQTT topic"):
        parse_cameras({"a": "mqtt:x", "b": "mqtt:x"}, "--camera")
