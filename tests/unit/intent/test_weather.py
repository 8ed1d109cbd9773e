"""Weather from a local service that can be made to fail."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home.model import Home, Location, Preferences
from wyoming_rosie_intent.engine import Match
from wyoming_rosie_intent.entity_states import DailyForecast, WeatherState
from wyoming_rosie_intent.execution import weather
from wyoming_rosie_intent.execution.weather import Settings, WeatherError, WeatherProvider
from wyoming_rosie_intent.responses import responses

GRAZ = Home(location=Location("Graz", 47.07, 15.44))
GIVEN: dict[str, Any] = {
    "current": {"temperature_2m": 18.4, "weather_code": 3},
    "daily": {
        "time": ["2026-11-21", "2026-11-22"],
        "weather_code": [61, 0],
        "temperature_2m_min": [4.2, 1.0],
        "temperature_2m_max": [18.9, 12.6],
        "precipitation_probability_max": [80, None],
    },
}
KNOWN = WeatherState(
    "cloudy", 18, (DailyForecast("2026-11-21", "rainy", 4.2, 18.9, 80), DailyForecast("2026-11-22", "sunny", 1.0, 12.6))
)


@pytest.fixture(scope="module", autouse=True)
def _languages() -> None:
    for language in ("en", "de"):
        responses.prepare(language)


class Service:
    """A weather service."""

    def __init__(self) -> None:
        self.answer: web.Response | None = None
        self.asked: list[dict[str, str]] = []
        self.url = ""

    async def on_request(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.query))
        if self.answer is None:
            await asyncio.sleep(5)
        return self.answer or web.Response(status=500)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    made = Service()
    app = web.Application()
    app.router.add_get("/", made.on_request)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/?at={{latitude}},{{longitude}}&in={{unit}}"
    yield made
    await runner.cleanup()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def provider(
    service: Service, clock: Clock | None = None, home: Home = GRAZ, *, is_hasty: bool = False
) -> WeatherProvider:
    settings = Settings(service.url, seconds=0.3 if is_hasty else 60.0, keep_seconds=60)
    return WeatherProvider(settings, home, clock or Clock())


async def test_the_weather_is_asked_once_while_it_is_good(service: Service) -> None:
    service.answer = web.json_response(GIVEN)
    clock = Clock()
    asking = provider(service, clock)
    first, second = await asyncio.gather(asking.get_weather(), asking.get_weather())
    assert first == second == KNOWN
    assert service.asked == [{"at": "47.07,15.44", "in": "celsius"}]
    service.answer = web.json_response(GIVEN)
    clock.now = 61
    await asking.get_weather()
    assert len(service.asked) == 2


@pytest.mark.parametrize(
    ("match", "said"),
    [
        (Match("HassGetWeather"), "It is cloudy, with 18 degrees. Today: rainy, 4 to 19 degrees, 80 percent chance of rain."),
        (Match("HassGetWeather", {"day": "tomorrow"}), "Tomorrow: sunny, 1 to 13 degrees."),
        (Match("HassGetWeather", {"day": "tomorrow"}, language="de"), "Morgen: sonnig, 1 bis 13 Grad."),
    ],
)  # fmt: skip
async def test_the_weather_is_said(service: Service, match: Match, said: str) -> None:
    service.answer = web.json_response(GIVEN)
    answer = await provider(service).answer(match)
    assert (answer.text, answer.done) == (said, True)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (web.Response(status=503), "answers 503"),
        (web.Response(text="<html>"), "invalid response"),
        (web.Response(text="[]"), "invalid response"),
        (web.Response(text=json.dumps({**GIVEN, "current": {}})), "invalid response"),
        (web.Response(body=b" " * 70000), "more than 65536 bytes"),
        (None, "did not answer within 0.3 seconds"),
    ],
    ids=["busy", "html", "list", "half", "long", "late"],
)
async def test_a_service_that_fails_is_a_weather_that_is_not_known(
    service: Service, answer: web.Response | None, reason: str
) -> None:
    service.answer = answer
    asking = provider(service, is_hasty=answer is None)
    with pytest.raises(WeatherError, match=reason):
        await asking.get_weather()
    if answer is None:
        told = await asking.answer(Match("HassGetWeather"))
        assert (told.text, told.done) == ("Sorry, I do not know the weather.", False)


async def test_a_service_that_is_not_there_is_a_weather_that_is_not_known() -> None:
    asking = WeatherProvider(Settings("http://127.0.0.1:9/"), GRAZ, Clock())
    with pytest.raises(WeatherError, match="cannot be reached"):
        await asking.get_weather()


async def test_degrees_are_those_of_the_people(service: Service) -> None:
    service.answer = web.json_response(GIVEN)
    await provider(service, home=Home(location=GRAZ.location, preferences=Preferences(units="imperial"))).get_weather()
    assert service.asked[0]["in"] == "fahrenheit"


def test_a_home_that_is_nowhere_and_a_wrong_address_are_refused() -> None:
    with pytest.raises(ConfigError, match="latitude and longitude"):
        WeatherProvider(Settings("open-meteo"), Home(), Clock())
    with pytest.raises(ConfigError, match="must be 'open-meteo' or begin with http"):
        WeatherProvider(Settings("ftp://x"), GRAZ, Clock())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["time", "weather_code", "temperature_2m"]), inner),
    max_leaves=8,
)  # fmt: skip


@given(st.fixed_dictionaries({"current": json_values, "daily": json_values}) | json_values)
def test_whatever_a_service_says_is_weather_or_refused(document: object) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(weather.parse_weather(document), WeatherState)
