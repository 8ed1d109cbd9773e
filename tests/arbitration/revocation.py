"""A stolen satellite, which is revoked, disturbs nobody: satellites of a house that decide among themselves, and its hub."""

import asyncio
import sys
from pathlib import Path

from tests.daemons import Daemon
from tests.houses import House as TrustHouse
from tests.integration.several_satellites import furnish_with_members, wait_until_found
from tests.several_hosts import address_of, several_hosts
from tests.two_hosts import on_host
from wyoming_rosie.trust.identity import save_service_uri

NAMES = ("kitchen", "hall")
LOUDEST = {"kitchen": 0.3, "hall": 0.1, "stolen": 1.0}
FOUND = "another satellite found"


async def check_revocation(folder: Path, word: bytes) -> bool:
    """Revoke one of three members; return whether it took part before, and the others neither hear it nor answer twice afterwards."""
    members, everybody = TrustHouse(folder / "house"), (*NAMES, "stolen")
    with several_hosts(len(everybody) + 1) as hosts:
        uri = f"tls://{address_of(len(everybody))}:10900"
        for name in everybody:
            identity = await asyncio.to_thread(members.add, "satellite", name)
            await asyncio.to_thread(save_service_uri, identity, uri)
        flags = ("--data-dir", str(members.folder), "--trust-uri", uri, "--no-zeroconf")
        hub = await Daemon.start("hub", *flags, prefix=on_host(hosts[-1]))
        try:
            async with furnish_with_members(folder / "before", everybody, members, hosts) as house:
                await wait_until_found(house, everybody)
                before = await house.call(word, LOUDEST, {})
                number = (await house.satellites["hall"].wait_for_line("group key"))["number"]
                await asyncio.to_thread(members.revoke, "stolen")
                for name in NAMES:
                    await house.satellites[name].wait_for_line("group key", number=number + 1)
            async with furnish_with_members(folder / "after", everybody, members, hosts) as house:
                await wait_until_found(house, NAMES)
                after = await house.call(word, LOUDEST, {})
                found = [line["name"] for name in NAMES for line in house.satellites[name].lines(FOUND)]
                is_alone = not house.satellites["stolen"].lines(FOUND)
        finally:
            await hub.stop()
    sys.stdout.write(f"key: answered before {before}, after {after}; the house has found {found}\n")
    return len(before) == 1 and len(after) == 2 and "stolen" in after and "stolen" not in found and is_alone
