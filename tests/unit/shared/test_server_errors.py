"""A server that cannot listen says what to do."""

import pytest

from tests.fakes import FakeDaemon
from wyoming_rosie.errors import ConfigError


async def test_a_port_in_use_is_said_without_repeating_the_address() -> None:
    async with FakeDaemon().serving() as first:
        with pytest.raises(ConfigError) as refused:
            async with FakeDaemon().serving(first.uri):
                pass
    assert str(refused.value) == f"cannot listen at {first.uri}: another program listens there; ss -ltnp shows which"


async def test_an_address_of_another_machine_is_named_with_the_reason() -> None:
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1:10300: Cannot assign requested address"):
        async with FakeDaemon().serving("tcp://192.0.2.1:10300"):
            pass
