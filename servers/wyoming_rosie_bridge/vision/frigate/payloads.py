"""Frigate's payloads, from MQTT and from its HTTP API, as values; lenient with what Frigate may add or leave out."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from wyoming_rosie.bus.envelope import MAX_ENVELOPE_BYTES, load_json
from wyoming_rosie.bus.errors import BadMessageError
from wyoming_rosie.bus.names import escape_token
from wyoming_rosie.runtime.fields import Fields, is_text, parse_number

T = TypeVar("T")
Severity: TypeAlias = Literal["alert", "detection"]
MAX_API_BYTES = 4 * 2**20
MAX_API_ITEMS = 1000
MAX_NAME_LENGTH = 100
MAX_STATE_BYTES = 200
MAX_DESCRIPTION_LENGTH = 4000
MAX_ZONES = 50
MAX_DETECTIONS = 200
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_TIME = 1e11  # seconds since the epoch


@dataclass(frozen=True)
class Details:
    """What is said about an object beside its track; None where nothing is said."""

    sub_label: str | None = None
    plate: str | None = None
    description: str | None = field(default=None, repr=False)
    state: str | None = None
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sighting:
    """What Frigate says about an object at one moment."""

    id: str
    camera: str
    label: str
    kind: Literal["new", "update", "end"]
    is_late: bool = False
    """It is from the HTTP API."""
    is_false_positive: bool = False
    frame_time: float | None = None
    start: float | None = None
    end: float | None = None
    score: float | None = None
    top_score: float | None = None
    box: tuple[float, ...] = ()
    """Left, top, right, bottom: in pixels, or from 0 to 1 from the HTTP API."""
    is_stationary: bool | None = None
    current_zones: tuple[str, ...] | None = None
    """None when it is not said."""
    entered_zones: tuple[str, ...] = ()
    severity: Severity | None = None
    has_snapshot: bool = False
    details: Details = Details()


@dataclass(frozen=True)
class Enrichment:
    """What Frigate found out about an object: a face, a plate, a class, a description, a trigger."""

    id: str
    details: Details


@dataclass(frozen=True)
class Review:
    """A review item: how important its objects are."""

    detections: tuple[str, ...]
    severity: Severity
    is_late: bool = False


@dataclass(frozen=True)
class MotionState:
    """Whether a camera sees motion."""

    camera: str
    is_on: bool


@dataclass(frozen=True)
class ClassifiedState:
    """What a classification model says about a camera's picture, such as `open`."""

    camera: str
    model: str
    state: str


@dataclass(frozen=True)
class ApiList(Generic[T]):
    """The valid items of an answer, the number of those that are not, and of all."""

    items: tuple[T, ...]
    refused: int
    length: int


def parse_event(raw: bytes) -> Sighting:
    """Parse a message of `frigate/events`. Raises BadMessageError."""
    document = _load_object(raw)
    kind = document.text("type", 1, 20)
    if kind not in ("new", "update", "end"):
        raise BadMessageError(f"there is no event type '{kind}'")
    return _parse_tracked(document.mapping("after"), kind)  # type: ignore[arg-type]


def parse_review(raw: bytes) -> Review:
    """Parse a message of `frigate/reviews`. Raises BadMessageError."""
    return _parse_review(_load_object(raw).mapping("after"))


def parse_tracked_object_update(raw: bytes) -> Enrichment:
    """Parse a message of `frigate/tracked_object_update` of any type. Raises BadMessageError."""
    document = _load_object(raw)
    details = Details(
        sub_label=_optional_name(document, "sub_label") or _optional_name(document, "name"),
        plate=_optional_name(document, "plate"),
        description=_optional_description(document),
        state=_classified_attribute(document),
    )
    return Enrichment(_parse_id(document, "id"), details)


def parse_trigger(raw: bytes) -> Enrichment:
    """Parse a message of `frigate/triggers`. Raises BadMessageError."""
    document = _load_object(raw)
    name = document.text("name", 1, MAX_NAME_LENGTH)
    return Enrichment(_parse_id(document, "event_id"), Details(state=f"trigger:{name}"))


def parse_motion(camera: str, raw: bytes) -> MotionState:
    """Parse a message of `frigate/CAMERA/motion`. Raises BadMessageError."""
    text = _decode_state(raw)
    if text not in ("ON", "OFF"):
        raise BadMessageError("motion must be ON or OFF")
    return MotionState(clean_name(camera), text == "ON")


def parse_classification(camera: str, model: str, raw: bytes) -> ClassifiedState:
    """Parse a message of `frigate/CAMERA/classification/MODEL`. Raises BadMessageError."""
    return ClassifiedState(clean_name(camera), clean_name(model), _decode_state(raw))


def parse_available(raw: bytes) -> bool:
    """Return whether Frigate says that it is online. Raises BadMessageError."""
    text = _decode_state(raw)
    if text not in ("online", "offline", "stopped"):
        raise BadMessageError("it must be online, offline or stopped")
    return text == "online"


def parse_api_events(raw: bytes) -> ApiList[Sighting]:
    """Parse an answer of `/api/events`. Raises BadMessageError if it is no list."""
    return _parse_each(raw, _parse_api_event)


def parse_api_reviews(raw: bytes) -> ApiList[Review]:
    """Parse an answer of `/api/review`. Raises BadMessageError if it is no list."""
    return _parse_each(raw, lambda item: _parse_review(item, is_late=True))


def parse_api_config(raw: bytes) -> dict[str, tuple[int, int] | None]:
    """Return the cameras in an answer of `/api/config`, with width and height of their frames. Raises BadMessageError."""
    cameras = Fields(load_json(raw, MAX_API_BYTES), BadMessageError).mapping("cameras")
    return {clean_name(name): _parse_frame_size(camera) for name, camera in list(cameras.items())[:MAX_API_ITEMS]}


def clean_name(name: str) -> str:
    """Return the name of a camera or a model, escaped unless Frigate itself would allow it."""
    return name if _NAME.fullmatch(name) else escape_token(name)


def _parse_tracked(values: Mapping[str, Any], kind: Literal["new", "update", "end"]) -> Sighting:
    given = Fields(values, BadMessageError)
    stationary = values.get("stationary")
    return Sighting(
        id=_parse_id(given, "id"),
        camera=clean_name(given.text("camera", 1, MAX_NAME_LENGTH)),
        label=given.text("label", 1, MAX_NAME_LENGTH),
        kind=kind,
        is_false_positive=values.get("false_positive") is True,
        frame_time=_parse_time(values.get("frame_time")),
        start=_parse_time(values.get("start_time")),
        end=_parse_time(values.get("end_time")),
        score=_parse_score(values.get("score")),
        top_score=_parse_score(values.get("top_score")),
        box=_parse_numbers(values.get("box")),
        is_stationary=stationary if isinstance(stationary, bool) else None,
        current_zones=None if values.get("current_zones") is None else _parse_names(values["current_zones"]),
        entered_zones=_parse_names(values.get("entered_zones")),
        severity=_parse_severity(values.get("max_severity")),
        has_snapshot=values.get("has_snapshot") is True,
        details=Details(
            sub_label=_first_text(values.get("sub_label")),
            plate=_first_text(values.get("recognized_license_plate")),
            attributes=_parse_names(values.get("attributes")),
        ),
    )


def _parse_api_event(values: Mapping[str, Any]) -> Sighting:
    given = Fields(values, BadMessageError)
    data = values.get("data")
    data = data if isinstance(data, dict) else {}
    top_score = _parse_score(data.get("top_score"))
    if top_score is None:
        top_score = _parse_score(values.get("top_score"))
    return Sighting(
        id=_parse_id(given, "id"),
        camera=clean_name(given.text("camera", 1, MAX_NAME_LENGTH)),
        label=given.text("label", 1, MAX_NAME_LENGTH),
        kind="update" if _parse_time(values.get("end_time")) is None else "end",
        is_late=True,
        is_false_positive=values.get("false_positive") is True,
        start=_parse_time(values.get("start_time")),
        end=_parse_time(values.get("end_time")),
        score=_parse_score(data.get("score")),
        top_score=top_score,
        box=_to_corners(_parse_numbers(data.get("box"))),
        entered_zones=_parse_names(values.get("zones")),
        severity=_parse_severity(data.get("max_severity")),
        has_snapshot=values.get("has_snapshot") is True,
        details=Details(
            sub_label=_first_text(values.get("sub_label")),
            plate=_first_text(data.get("recognized_license_plate")),
            description=_optional_description(Fields(data, BadMessageError)),
            attributes=_parse_names(data.get("attributes")),
        ),
    )


def _parse_review(values: Mapping[str, Any], *, is_late: bool = False) -> Review:
    given = Fields(values, BadMessageError)
    severity = _parse_severity(values.get("severity"))
    if severity is None:
        raise BadMessageError("severity must be alert or detection")
    found = given.mapping("data").get("detections")
    ids = found if isinstance(found, list) else []
    valid = (one for one in ids[:MAX_DETECTIONS] if isinstance(one, str) and _ID.fullmatch(one))
    return Review(tuple(dict.fromkeys(valid)), severity, is_late)


def _parse_each(raw: bytes, parse: Callable[[Mapping[str, Any]], T]) -> ApiList[T]:
    """Parse the items of a list; one that is not valid does not spoil the others."""
    document = load_json(raw, MAX_API_BYTES)
    if not isinstance(document, list) or len(document) > MAX_API_ITEMS:
        raise BadMessageError(f"the answer must be a list of at most {MAX_API_ITEMS}")
    items: list[T] = []
    for one in document:
        try:
            items.append(parse(one))
        except BadMessageError:
            continue
    return ApiList(tuple(items), len(document) - len(items), len(document))


def _load_object(raw: bytes) -> Fields:
    return Fields(load_json(raw, MAX_ENVELOPE_BYTES), BadMessageError)


def _parse_id(given: Fields, key: str) -> str:
    text = given.text(key, 1, MAX_NAME_LENGTH)
    if not _ID.fullmatch(text):
        raise BadMessageError(f"{key} must have 1 to 64 letters, digits and . _ -")
    return text


def _classified_attribute(given: Fields) -> str | None:
    attribute = _optional_name(given, "attribute")
    return None if attribute is None else f"{_optional_name(given, 'model') or 'model'}:{attribute}"


def _optional_name(given: Fields, key: str) -> str | None:
    return given.optional_text(key, 0, MAX_NAME_LENGTH) or None


def _optional_description(given: Fields) -> str | None:
    text = given.optional_text("description")
    return text[:MAX_DESCRIPTION_LENGTH] if text else None


def _first_text(value: object) -> str | None:
    """Return a name that Frigate writes as NAME or as [NAME, SCORE]."""
    first = value[0] if isinstance(value, list) and value else value
    return first if isinstance(first, str) and is_text(first, 1, MAX_NAME_LENGTH) else None


def _parse_names(value: object) -> tuple[str, ...]:
    """Return zones or attributes: a list of names or of objects with a label, or an object whose keys are names."""
    given: Iterable[object] = value if isinstance(value, list | dict) else ()
    names = (one.get("label") if isinstance(one, dict) else one for one in given)
    valid = (one for one in names if isinstance(one, str) and is_text(one, 1, MAX_NAME_LENGTH))
    return tuple(dict.fromkeys(valid))[:MAX_ZONES]


def _parse_numbers(value: object) -> tuple[float, ...]:
    numbers = [parse_number(one) for one in value] if isinstance(value, list) and len(value) == 4 else []
    found = tuple(one for one in numbers if one is not None)
    return found if len(found) == 4 else ()


def _to_corners(box: tuple[float, ...]) -> tuple[float, ...]:
    """Return left, top, right, bottom of a box that the HTTP API gives as left, top, width, height."""
    return (box[0], box[1], box[0] + box[2], box[1] + box[3]) if box else ()


def _parse_time(value: object) -> float | None:
    number = parse_number(value)
    return number if number is not None and 0 < number < _MAX_TIME else None


def _parse_score(value: object) -> float | None:
    number = parse_number(value)
    return number if number is not None and 0 <= number <= 1 else None


def _parse_severity(value: object) -> Severity | None:
    return value if value in ("alert", "detection") else None


def _parse_frame_size(camera: object) -> tuple[int, int] | None:
    detect = camera.get("detect") if isinstance(camera, dict) else None
    if not isinstance(detect, dict):
        return None
    width, height = parse_number(detect.get("width")), parse_number(detect.get("height"))
    if width is None or height is None or not (1 <= width <= 100_000 and 1 <= height <= 100_000):
        return None
    return int(width), int(height)


def _decode_state(raw: bytes) -> str:
    """Return the text of a state topic."""
    try:
        text = raw.decode().strip() if len(raw) <= MAX_STATE_BYTES else ""
    except UnicodeDecodeError as err:
        raise BadMessageError("the message is not a text") from err
    if not text or not text.isprintable():
        raise BadMessageError(f"the message must be a text of 1 to {MAX_STATE_BYTES} bytes")
    return text
