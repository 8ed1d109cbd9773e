"""The bridge: settings, buses, roles."""

import asyncio
import sys
from collections.abc import Callable, Sequence

import structlog

from wyoming_rosie import config
from wyoming_rosie.bus.interface import Buses
from wyoming_rosie.bus.mqtt import PahoMqtt
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.http import health
from wyoming_rosie.http.health import Health
from wyoming_rosie.metrics import Metrics
from wyoming_rosie.protocol.server import run_until_stopped, stop_signal
from wyoming_rosie.runtime import systemd
from wyoming_rosie.trust import membership, roster_client
from wyoming_rosie_bridge.backlogs import BacklogMonitor
from wyoming_rosie_bridge.buses import connect_mqtt, open_buses
from wyoming_rosie_bridge.config import INGEST, BridgeConfig, check_brokers, check_roles
from wyoming_rosie_bridge.mind.role import MindRole
from wyoming_rosie_bridge.role import BridgeContext, Role
from wyoming_rosie_bridge.sinks.role import SinkRole, is_configured
from wyoming_rosie_bridge.stage_metrics import StageMetrics
from wyoming_rosie_bridge.vision.role import VisionRole
from wyoming_rosie_bridge.voice.role import VoiceRole
from wyoming_rosie_bridge.worker import Stage, run_stage

_LOG = structlog.get_logger()


def create_roles(settings: BridgeConfig, context: BridgeContext) -> list[Role]:
    """Return the roles that run here. Raises ConfigError."""
    check_roles(settings)
    roles: list[Role] = []
    if "voice" in settings.role:
        roles.append(VoiceRole(settings.voice, context, ingests=ingests(settings)))
    if "vision" in settings.role:
        roles.append(VisionRole(settings.vision, context, ingests=ingests(settings)))
    if "mind" in settings.role:
        roles.append(MindRole(settings.mind, context))
    if is_configured(settings.sinks):
        roles.append(SinkRole(settings.sinks, context, settings.broker.ca_file))
    return roles


def ingests(settings: BridgeConfig) -> bool:
    """Return whether this process takes messages from MQTT devices."""
    return not settings.stage or INGEST in settings.stage


def select_stages(settings: BridgeConfig, roles: Sequence[Role]) -> list[Stage]:
    """Return the stages that run here. Raises ConfigError for one that does not exist."""
    stages = {stage.name: stage for role in roles for stage in role.stages()}
    wanted = [name for name in settings.stage if name != INGEST]
    for name in wanted:
        if name not in stages:
            raise ConfigError(f"--stage: there is no stage '{name}'; there are: {', '.join((INGEST, *stages))}")
    return [stages[name] for name in (wanted if settings.stage else stages)]


async def serve(settings: BridgeConfig, wrap: Callable[[Buses], Buses] = lambda buses: buses) -> None:
    """Run the bridge until stopped; `wrap` may put something between it and its buses. Raises ConfigError."""
    check_brokers(settings)
    stop = stop_signal()
    metrics = Metrics()
    async with open_buses(settings.broker, "wyoming-rosie-bridge", subscribes=ingests(settings)) as (buses, stack):
        context = BridgeContext(wrap(buses), StageMetrics(metrics))
        roles = create_roles(settings, context)
        stages = select_stages(settings, roles)
        checks = _create_checks(buses, roles, metrics)
        backlogs = BacklogMonitor(stages, metrics)
        backlogs.add_checks(checks)
        await stack.enter_async_context(
            health.serve_health("bridge", checks, metrics, settings.http_host, settings.http_port)
        )
        await stack.enter_async_context(roster_client.following(membership.current(), searches=True))
        running = asyncio.create_task(_run(roles, stages, context, backlogs))
        await connect_mqtt(buses, stack)
        systemd.notify("READY=1")
        _LOG.info("ready", roles=list(settings.role), stages=[stage.name for stage in stages])
        await run_until_stopped(running, stop)


async def _run(
    roles: Sequence[Role], stages: Sequence[Stage], context: BridgeContext, backlogs: BacklogMonitor
) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(backlogs.run())
        for stage in stages:
            tasks.create_task(run_stage(stage, context.metrics))
        for role in roles:
            for task in role.tasks():
                tasks.create_task(task)
        await asyncio.Event().wait()


def _create_checks(buses: Buses, roles: Sequence[Role], metrics: Metrics) -> Health:
    checks = Health()
    checks.add_check("mqtt", lambda: buses.mqtt.problem)
    checks.add_check("redis", lambda: buses.jobs.problem)
    checks.add_check("nats", lambda: buses.events.problem)
    if membership.current() is not None:
        checks.add_check("certificate", membership.find_problem)
    if isinstance(mqtt := buses.mqtt, PahoMqtt):
        metrics.gauge("bridge_mqtt_refused", "Messages of MQTT that were not valid", lambda: mqtt.refused)
        metrics.gauge("bridge_mqtt_dropped", "Messages of MQTT for which there was no room", lambda: mqtt.dropped)
    for role in roles:
        role.add_checks(checks, metrics)
    return checks


async def serve_or_show(settings: BridgeConfig) -> None:
    """Run the bridge, or its demo. Raises ConfigError."""
    if settings.demo:
        from wyoming_rosie_bridge.demo import run_demo

        await run_demo(settings)
    else:
        await serve(settings)


def main() -> None:
    """Run the wyoming-rosie-bridge command."""
    if sys.argv[1:2] == ["dead"]:
        from wyoming_rosie_bridge import dead_letters

        dead_letters.main(sys.argv[2:])
    else:
        config.main("bridge", BridgeConfig, serve_or_show)


if __name__ == "__main__":
    main()
