from collections.abc import Iterator

import pytest

from tests.unit.intent.family import family
from wyoming_rosie.home.loader import load_home
from wyoming_rosie.home.model import DEMO_HOME, Home
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.engine import IntentRecognizer
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules import hassil, templates
from wyoming_rosie_intent.rules.templates import Templates


@pytest.fixture(autouse=True)
def english() -> None:
    """The English phrases, loaded outside the event loop, as the daemon does at its start; a test may have replaced them."""
    if not responses.is_prepared("en"):
        responses.prepare("en")


@pytest.fixture(scope="session", autouse=True)
def read_family() -> None:
    """Read the family's home outside the event loop, whichever test of a process comes first; it is cached."""
    family()


@pytest.fixture(scope="session", autouse=True)
def templates_in_use() -> tuple[Templates, ...]:
    """Keep the templates of most tests in use, so that the recognizers share them."""
    return tuple(templates.load(language, bare_names=False) for language in ("en", "de"))


@pytest.fixture(scope="session")
def home() -> Home:
    return load_home(DEMO_HOME)


@pytest.fixture(scope="session")
def recognizer(home: Home) -> IntentRecognizer:
    return hassil.load(hassil.Settings(), home)


@pytest.fixture
def actor(home: Home) -> DemoActor:
    return DemoActor(home)


@pytest.fixture
def dialogue(home: Home, recognizer: IntentRecognizer, actor: DemoActor) -> Iterator[Dialogue]:
    own = hassil.load_custom_sentences("en")
    made = Dialogue(
        recognizer, ActionExecutor(home, actor, frozenset({"lock", "cover"})), Confirmations(own["yes"], own["no"])
    )
    yield made
    made.close()
