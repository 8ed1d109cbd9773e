"""The wake daemon: settings, engine, service."""

from dataclasses import dataclass
from typing import Literal

from wyoming.info import Info

from wyoming_rosie import config, service
from wyoming_rosie.config import option
from wyoming_rosie.service import Service, ServiceConfig
from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_wake.conversation import WakeConversation
from wyoming_rosie_wake.engines import micro as micro_engine


@dataclass(frozen=True)
class WakeConfig(ServiceConfig):
    """Wake words over the Wyoming protocol."""

    uri: str = option("tcp://127.0.0.1:10400", "where to listen: tcp://HOST:PORT, unix:///PATH or stdio://")
    engine: Literal["micro"] = option("micro", "which engine to load")
    micro: micro_engine.Settings = option(micro_engine.Settings, "settings of the micro engine")


async def serve(settings: WakeConfig) -> None:
    """Serve wake words until told to stop."""
    engine = micro_engine.load(settings.micro)
    worker = ThreadWorker("wake")
    await worker.run(engine.listen, ())  # the native library is loaded before anybody waits for it
    described = Info(wake=[engine.describe()])
    try:
        await service.run(Service("wake", described, lambda send: WakeConversation(engine, worker, send)), settings)
    finally:
        worker.close()


def main() -> None:
    """Run the wyoming-rosie-wake command."""
    config.main("wake", WakeConfig, serve)


if __name__ == "__main__":
    main()
