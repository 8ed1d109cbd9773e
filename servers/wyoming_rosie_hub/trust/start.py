"""Start of the trust service: once the house has a member, in a hub that runs already or at its start."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.trust import membership as memberships
from wyoming_rosie.trust import roster_client
from wyoming_rosie.trust.members import REGISTRY_FILE, load_registry
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie_hub.trust.settings import OFF, TrustSettings

_LOG = structlog.get_logger()
CHECK_SECONDS = 1.0


class TrustStarter:
    """Waits for a house with members, and runs its trust service; else follows that of the house this hub belongs to."""

    def __init__(self, settings: TrustSettings, on_joined: Callable[[Membership], None]) -> None:
        self._settings = settings
        self._on_joined = on_joined
        self._find_problem: Callable[[], str | None] = lambda: None
        self._problem: str | None = None  # why there is no service

    def find_problem(self) -> str | None:
        """Return what is wrong with the trust service and the next step, None if all is well."""
        return self._problem or self._find_problem()

    async def prepare(self) -> None:
        """Make this hub a member of its house, if there is one."""
        if self._settings.uri != OFF and await asyncio.to_thread(_has_members, self._settings.house):
            await self._try_to_join()

    async def run(self) -> None:
        """Run until cancelled."""
        if self._settings.uri == OFF:
            return
        async with roster_client.following(await self._foreign_membership(), searches=self._settings.announces):
            while not await asyncio.to_thread(_has_members, self._settings.house):  # noqa: ASYNC110 - a command adds it
                await asyncio.sleep(CHECK_SECONDS)
        while (membership := await self._try_to_join()) is None:  # noqa: ASYNC110 - somebody mends it
            await asyncio.sleep(CHECK_SECONDS)
        from wyoming_rosie_hub.trust.service import TrustService

        service = TrustService(self._settings, membership)
        self._find_problem = service.find_problem
        await service.run()

    async def _foreign_membership(self) -> Membership | None:
        is_own = await asyncio.to_thread(_has_members, self._settings.house)
        return None if is_own else memberships.current()

    async def _try_to_join(self) -> Membership | None:
        """Return the hub's membership of its house, or None and log why there is none."""
        try:
            membership = await self._join()
        except ConfigError as err:
            if self._problem is None:
                _LOG.error("no trust service", reason=str(err))
            self._problem = str(err)
            return None
        self._problem = None
        return membership

    async def _join(self) -> Membership:
        try:
            from wyoming_rosie_hub.trust.hub_identity import ensure_hub_identity
        except ImportError as err:
            raise ConfigError(
                f"{err.name} is missing for the house's members; run: {install_command(['tls'])}"
            ) from err

        known = memberships.current()
        membership = await asyncio.to_thread(ensure_hub_identity, self._settings.house, self._settings.identity, known)
        if membership is not known:
            memberships.use(membership)
            self._on_joined(membership)
        return membership


def _has_members(house: Path) -> bool:
    """Return whether a house has members; blocks. A registry that cannot be read counts as one."""
    try:
        return bool(load_registry(house / REGISTRY_FILE).members)
    except ConfigError:
        return True
