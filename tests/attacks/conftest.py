"""One house for all attacks."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.attacks.home import ATTACKER, AttackedHouse, furnish
from tests.two_hosts import FAR, ip, two_hosts


@pytest.fixture(scope="session", autouse=True)
def hosts() -> Iterator[None]:
    """Two hosts, of which the far one is the attackers'."""
    with two_hosts():
        ip("-n", FAR, "addr", "add", f"{ATTACKER}/24", "dev", "cable")
        yield


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def home(hosts: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AttackedHouse]:
    async with furnish(tmp_path_factory.mktemp("house")) as house:
        yield house
