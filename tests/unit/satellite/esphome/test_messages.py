"""Our messages are those of the official client: types, numbers and kinds of all fields."""

import pytest
from aioesphomeapi.core import MESSAGE_TYPE_TO_PROTO
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.errors import BadEventError
from wyoming_rosie_satellite.esphome import api_pb2 as ours
from wyoming_rosie_satellite.esphome.framing import ApiFrame
from wyoming_rosie_satellite.esphome.messages import TYPES, create_frame, parse_frame

OFFICIAL = MESSAGE_TYPE_TO_PROTO[1].DESCRIPTOR.file


def shape(field: FieldDescriptor) -> tuple[object, ...]:
    return field.number, field.type, field.is_repeated, field.message_type and field.message_type.name


@pytest.mark.parametrize("name", list(ours.DESCRIPTOR.message_types_by_name))
def test_each_field_is_one_of_the_official_message(name: str) -> None:
    theirs = OFFICIAL.message_types_by_name[name].fields_by_name
    for field in ours.DESCRIPTOR.message_types_by_name[name].fields:
        assert shape(field) == shape(theirs[field.name]), field.name


@pytest.mark.parametrize("name", list(ours.DESCRIPTOR.enum_types_by_name))
def test_each_value_is_one_of_the_official_enumeration(name: str) -> None:
    theirs = OFFICIAL.enum_types_by_name[name].values_by_name
    for value in ours.DESCRIPTOR.enum_types_by_name[name].values:
        assert value.number == theirs[value.name].number, value.name


def test_types_have_the_official_numbers() -> None:
    assert {number: kind.__name__ for number, kind in TYPES.items()} == {
        number: MESSAGE_TYPE_TO_PROTO[number].__name__ for number in TYPES
    }


def test_a_message_of_an_unknown_type_is_none() -> None:
    assert parse_frame(ApiFrame(60_000, b"abc")) is None


@given(st.sampled_from(sorted(TYPES)), st.binary(max_size=60))
def test_no_payload_raises_anything_but_a_bad_event(number: int, payload: bytes) -> None:
    try:
        message = parse_frame(ApiFrame(number, payload))
    except BadEventError:
        return
    assert message is not None
    assert create_frame(message).type == number
