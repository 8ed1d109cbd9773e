"""Factory of the daemon's components from its settings; each function may raise ConfigError."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import datetime
from pathlib import Path

from wyoming_rosie.config import state_folder
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home import model
from wyoming_rosie.home.model import Home
from wyoming_rosie.home.watcher import HomeWatcher
from wyoming_rosie.http.health import Health
from wyoming_rosie.runtime.terminal import on_hangup
from wyoming_rosie_intent.config import ACTORS, NO_ACTOR, IntentConfig
from wyoming_rosie_intent.engine import ActorContext, ServedActor
from wyoming_rosie_intent.execution.executor import ActionExecutor, GetWeather
from wyoming_rosie_intent.execution.policy import Policy
from wyoming_rosie_intent.execution.satellite_alarms import SatelliteAlarms
from wyoming_rosie_intent.execution.weather import WeatherProvider
from wyoming_rosie_intent.llm import mcp_tools, router, tier_config
from wyoming_rosie_intent.llm.agent import SILENCE_SECONDS, LlmAgent
from wyoming_rosie_intent.llm.filler import FillerGenerator
from wyoming_rosie_intent.llm.home_tools import HomeTools
from wyoming_rosie_intent.llm.mcp_tools import McpTools
from wyoming_rosie_intent.llm.plugin_tools import PluginTools
from wyoming_rosie_intent.llm.prompts import prompt
from wyoming_rosie_intent.llm.toolset import Toolset
from wyoming_rosie_intent.memory.dialogue_memory import DialogueMemory
from wyoming_rosie_intent.memory.extraction import extractor
from wyoming_rosie_intent.memory.extraction.extractor import FactExtractor
from wyoming_rosie_intent.memory.home_memory import HomeMemory
from wyoming_rosie_intent.plugins import PluginRegistry, find_in_folder, find_installed, find_integrations
from wyoming_rosie_intent.plugins.discovery import list_integrations


def create_actor(settings: IntentConfig, file_home: Home, on_home: Callable[[Home], None]) -> ServedActor | None:
    """Return the actor, None when the client is to act; `on_home` gets each changed home. Raises ConfigError."""
    if settings.actor == NO_ACTOR:
        return None
    actor: ServedActor = ACTORS.load(settings.actor, settings, ActorContext(file_home, on_home))
    return actor


def create_satellite_alarms(actor: ServedActor | None) -> SatelliteAlarms | None:
    """Create the alarms of satellites that the actor's home conducts; None where it has none."""
    if actor is None or actor.announcer is None:
        return None
    return SatelliteAlarms(state_folder("intent") / "alarms.json", actor.announcer, actor.states)


def simulation_notice(settings: IntentConfig, actor: ServedActor | None) -> str:
    """Return the notice of a simulated home; empty for a real one."""
    if actor is None or not actor.is_simulated:
        return ""
    return model.SIMULATED if settings.home.resolve() == model.DEMO_HOME.resolve() else model.SIMULATED_HOME_FILE


def create_policy(settings: IntentConfig) -> Policy:
    """Create the policy for confirmations."""
    for target in settings.confirm:
        if target not in model.DOMAINS and "." not in target:
            there_are = ", ".join(sorted(model.DOMAINS))
            raise ConfigError(
                f"--confirm: '{target}' is neither an id such as switch.pump nor a domain; those are: {there_are}"
            )
    return Policy(confirm=frozenset(settings.confirm), remarks=settings.remarks)


def create_weather(settings: IntentConfig, file_home: Home, now: Callable[[], float]) -> GetWeather | None:
    """Create the weather provider for a home without a weather entity; None without its URL."""
    return WeatherProvider(settings.weather, file_home, now).answer if settings.weather.url else None


def load_plugins(settings: IntentConfig) -> PluginRegistry | None:
    """Load the plugins, not yet started; those of packages and of this one only with a table of settings."""
    found = (
        *find_integrations(settings.plugins),
        *(find_in_folder(settings.plugin_folder) if settings.plugin_folder else ()),
        *find_installed(settings.plugins),
    )
    for name in sorted(settings.plugins.keys() - {source.name for source in found}):
        there_are = ", ".join(sorted({*list_integrations(), *(source.name for source in found)})) or "none"
        raise ConfigError(f"there is no plugin named '{name}'; there are: {there_are}")
    return PluginRegistry(found, settings.plugins) if found else None


def create_mcp_tools(settings: IntentConfig) -> McpTools | None:
    """Create the tools of the MCP servers, not yet connected."""
    return mcp_tools.load(settings.mcp_file) if settings.mcp_file is not None else None


def create_toolsets(
    executor: ActionExecutor, plugins: PluginRegistry | None, mcp: McpTools | None
) -> Sequence[Toolset]:
    """Return the tools that language models get."""
    extra: tuple[Toolset | None, ...] = (PluginTools(plugins) if plugins else None, mcp)
    return [HomeTools(executor), *(toolset for toolset in extra if toolset is not None)]


@asynccontextmanager
async def open_agent(
    settings: IntentConfig,
    executor: ActionExecutor,
    toolsets: Sequence[Toolset],
    commands: Toolset | None = None,
    memory: DialogueMemory | None = None,
) -> AsyncIterator[LlmAgent | None]:
    """Run the agent during the block; None without a language model."""
    models = await asyncio.to_thread(router.load, settings.local, settings.network, settings.cloud)
    if models is None:
        yield None
        return
    async with AsyncExitStack() as stack:
        stack.push_async_callback(models.close)
        prompts = await asyncio.to_thread(prompt.load, settings.prompt_folder, models.context_window)
        fillers = None
        if settings.fillers:
            small = await asyncio.to_thread(tier_config.load, "filler", settings.filler)
            if small is not None:
                stack.push_async_callback(small.close)
            fillers = FillerGenerator(prompts.render_filler, small)
        agent = LlmAgent(
            models,
            executor,
            prompts,
            toolsets,
            fillers,
            silence_seconds=_get_silence_seconds(settings),
            commands=commands,
            memory=memory,
        )
        stack.push_async_callback(agent.close)
        if settings.warm_up:
            agent.warm_up(datetime.now().astimezone(), asyncio.get_running_loop().time())
        yield agent


def create_extractor(settings: IntentConfig, memory: HomeMemory | None, agent: LlmAgent | None) -> FactExtractor | None:
    """Create what extracts facts from talk; None where it is off, or there is no memory or no language model."""
    if not settings.memory.extract_facts or memory is None or agent is None:
        return None
    file = state_folder("intent") / extractor.FILE
    return FactExtractor(memory.service, memory.dialogue, agent, file, settings.memory.extract_idle_seconds)


def _get_silence_seconds(settings: IntentConfig) -> float:
    """Return the longest silence of an answer, in seconds, which the timeouts of the tiers may extend."""
    tiers = (settings.local, settings.network, settings.cloud)
    return max(SILENCE_SECONDS, *(tier.first_token_seconds for tier in tiers))


async def run_plugins(plugins: PluginRegistry) -> None:
    """Start the plugins and supervise them until cancelled."""
    try:
        await plugins.start()
        await plugins.run()
    finally:
        await plugins.close()


async def watch_home_file(file: Path, actor: ServedActor | None, on_home: Callable[[Home], None]) -> None:
    """Apply changes of the home file until cancelled; SIGHUP reloads it."""
    watched = HomeWatcher(file)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, on_hangup(watched.reload))
    async with aclosing(watched.changes()) as changes:
        async for changed in changes:
            if actor is not None:
                actor.set_home(changed)
            if actor is None or not actor.reports_home:
                on_home(changed)


def add_health_checks(
    health: Health,
    actor: ServedActor | None,
    plugins: PluginRegistry | None,
    agent: LlmAgent | None,
    memory: HomeMemory | None,
) -> None:
    """Add the health checks of a remote actor, of the plugins, of the language models and of the memory."""
    if memory is not None:
        health.add_check("memory", memory.get_problem)
    if agent is not None:
        health.add_check("language-models", lambda: agent.problem)
    if actor is not None and actor.is_remote:
        health.add_check("actor", lambda: actor.problem)
    for name, check in (plugins.health_checks() if plugins else {}).items():
        health.add_check(name, check)
