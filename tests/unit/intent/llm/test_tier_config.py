"""Settings of a tier: from flags, the environment and files, and what is refused."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from wyoming_rosie import config
from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.llm import router, tier_config
from wyoming_rosie_intent.llm.complexity import Complexity
from wyoming_rosie_intent.llm.router import RoutingRequest, Tier
from wyoming_rosie_intent.llm.tier_config import CloudSettings, NetworkSettings, TierSettings
from wyoming_rosie_intent.llm.timeouts import AnswerTimeouts

CLOUD = CloudSettings("big", allowed=True, key_variable="ROSIE_TEST_KEY")


@dataclass(frozen=True)
class Config:
    """A program with tiers."""

    config: Path | None = option(None, "TOML file")
    local: TierSettings = option(TierSettings, "")
    network: NetworkSettings = option(NetworkSettings, "")
    cloud: CloudSettings = option(CloudSettings, "")


def read(*arguments: str) -> Config:
    found = config.read("intent", Config, arguments)
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def _a_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ROSIE_TEST_KEY", "sk-sesame")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def test_tiers_are_absent_without_a_model() -> None:
    assert router.load(*_tiers(read())) is None


def test_flags_the_environment_and_files_give_tiers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "rosie.toml"
    path.write_text('[intent.network]\nmodel = "qwen3:32b"\nurl = "http://gpu.lan:11434"\nfirst_token_seconds = 3.5\n')
    monkeypatch.setenv("WYOMING_ROSIE_INTENT_CLOUD_MODEL", "big")
    given = read("--config", str(path), "--local.model", "qwen3:8b", "--local.keep-alive", "-1", "--cloud.allowed")
    assert given.local == TierSettings("qwen3:8b", keep_alive="-1")
    assert given.network == NetworkSettings("qwen3:32b", url="http://gpu.lan:11434", first_token_seconds=3.5)
    assert given.cloud == CloudSettings("big", allowed=True)


async def test_loaded_tiers_are_those_with_a_model() -> None:
    loaded = await asyncio.to_thread(router.load, TierSettings("small"), NetworkSettings(), CLOUD)
    assert loaded is not None
    assert loaded.find_tier(RoutingRequest()) is Tier.LOCAL
    assert loaded.find_tier(RoutingRequest(Complexity.COMPLEX, private=False)) is Tier.CLOUD
    assert loaded.route(RoutingRequest(Complexity.COMPLEX)).tier is Tier.LOCAL
    await loaded.close()


def test_endpoint_has_all_that_was_set() -> None:
    given = TierSettings(
        "m", "ollama", "https://box:1", key_variable="ROSIE_TEST_KEY", first_token_seconds=1, stall_seconds=2, total_seconds=3,
        context_tokens=4, temperature=0.5, keep_alive="6m", think=True,
    )  # fmt: skip
    where = tier_config.create_endpoint("local", given)
    assert (where.name, where.url, where.model) == ("local (m)", "https://box:1", "m")
    assert where.key is not None
    assert where.key.read() == "sk-sesame"
    assert where.timeouts == AnswerTimeouts(1, 2, 3)
    assert (where.context_tokens, where.temperature, where.keep_alive, where.think) == (4, 0.5, "6m", True)


def test_keys_are_in_no_text_of_settings_and_endpoints() -> None:
    assert "sesame" not in f"{CLOUD!r} {tier_config.create_endpoint('cloud', CLOUD)!r}"


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (NetworkSettings("m"), "--network.url: write an address"),
        (TierSettings("m", url="gpu.lan:11434"), "write an address"),
        (TierSettings("m", url="http://[::1"), "--network.url: "),
        (TierSettings("m", url="http://box:99999"), "--network.url: "),
        (TierSettings("m", url="https://me:secret@box"), "no user, key or query"),
        (TierSettings("m", url="https://box/v1?key=secret"), "no user, key or query"),
        (TierSettings("m", url="http://api.example.com", key_variable="ROSIE_TEST_KEY"), "over https only"),
        (TierSettings("m", key_variable="ROSIE_NO_SUCH_KEY"), "ROSIE_NO_SUCH_KEY is not set"),
        (TierSettings("m", key_file=Path("/nowhere/key")), "cannot read /nowhere/key"),
        (TierSettings("m", key_file=Path("/nowhere/key"), key_variable="ROSIE_TEST_KEY"), "not both"),
        (TierSettings("m", total_seconds=0), "--network.total-seconds must be at least"),
        (TierSettings("m", context_tokens=-1), "--network.context-tokens must be at least 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_settings_that_cannot_work_are_refused(settings: TierSettings, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        tier_config.create_endpoint("network", settings)
    assert complaint in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "  \n", "two\nlines", "k\x00", "schlüssel"])
def test_keys_that_no_header_can_carry_are_refused(key: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(key)
    with pytest.raises(ConfigError, match="is empty or has characters"):
        tier_config.create_endpoint("cloud", CloudSettings("m", key_file=path))


@pytest.mark.parametrize("host", ["127.0.0.1", "192.168.1.5", "[::1]", "gpu", "gpu.lan", "localhost"])
def test_keys_may_go_in_clear_text_within_the_home(host: str) -> None:
    assert tier_config.create_endpoint(
        "network", TierSettings("m", url=f"http://{host}:1", key_variable="ROSIE_TEST_KEY")
    ).key


def _tiers(given: Config) -> tuple[TierSettings, NetworkSettings, CloudSettings]:
    return given.local, given.network, given.cloud
