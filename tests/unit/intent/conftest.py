from collections.abc import Iterator

import pytest

from wyoming_rosie.home.model import DEMO_HOME, Home, load
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.engine import Recogniser
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import Household
from wyoming_rosie_intent.rules import hassil


@pytest.fixture(scope="session")
def home() -> Home:
    return load(DEMO_HOME)


@pytest.fixture(scope="session")
def recogniser(home: Home) -> Recogniser:
    return hassil.load(hassil.Settings(), home)


@pytest.fixture
def actor(home: Home) -> DemoActor:
    return DemoActor(home)


@pytest.fixture
def dialogue(home: Home, recogniser: Recogniser, actor: DemoActor) -> Iterator[Dialogue]:
    own = hassil.own_sentences("en")
    made = Dialogue(
        recogniser, Household(home, actor, frozenset({"lock", "cover"})), Confirmations(own["yes"], own["no"])
    )
    yield made
    made.close()
