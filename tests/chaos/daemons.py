"""Serves the scripted daemons: DATABASE VAD-PORT ASR-PORT INTENT-PORT EXECUTOR-PORT."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.integration.bridge.scripted_daemons import serve_daemons


async def main(database: Path, ports: list[int]) -> None:
    async with serve_daemons(database, (ports[0], ports[1], ports[2], ports[3])):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), [int(port) for port in sys.argv[2:6]]))
