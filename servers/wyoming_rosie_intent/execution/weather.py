"""Weather from an HTTP service in Open-Meteo's format, for homes without a weather entity."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import structlog

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.engine import Answer, Match
from wyoming_rosie_intent.entity_states import DailyForecast, WeatherState
from wyoming_rosie_intent.responses import queries, responses

if TYPE_CHECKING:
    from aiohttp import ClientResponse

_LOG = structlog.get_logger()
OPEN_METEO = (
    "https://api.open-meteo.com/v1/forecast?latitude={latitude}&longitude={longitude}&temperature_unit={unit}&timezone=auto"
    "&current=temperature_2m,weather_code"
    "&daily=weather_code,temperature_2m_min,temperature_2m_max,precipitation_probability_max&forecast_days=3"
)
MAX_RESPONSE_SIZE = 65536
"""Bytes."""
MAX_DAYS = 7
_STATES = (
    (0, "sunny"), (2, "partlycloudy"), (3, "cloudy"), (48, "fog"), (63, "rainy"), (65, "pouring"), (67, "rainy"), (77, "snowy"),
    (81, "rainy"), (82, "pouring"), (86, "snowy"), (99, "lightning-rainy"),
)  # fmt: skip
"""Home Assistant's conditions by the largest WMO weather code of each range."""


@dataclass(frozen=True)
class Settings:
    url: str = option("", "URL of the weather service, or open-meteo; {latitude}, {longitude} and {unit} are filled in")
    seconds: float = option(3.0, "timeout of a request")
    keep_seconds: float = option(600.0, "how long a forecast stays valid")


class WeatherError(RosieError):
    """The service did not answer in time, or its response is invalid."""

    code = "weather"


class WeatherProvider:
    """Requests the weather once for all concurrent queries and caches it."""

    def __init__(self, settings: Settings, home: Home, clock: Callable[[], float]) -> None:
        self._url = _format_url(settings.url, home)
        self._seconds = settings.seconds
        self._keep_seconds = settings.keep_seconds
        self._clock = clock
        self._cached: WeatherState | None = None
        self._cached_at: float | None = None
        self._lock = asyncio.Lock()

    async def answer(self, match: Match) -> Answer:
        """Answer HassGetWeather, also when the weather is not available."""
        try:
            known = await self.get_weather()
        except WeatherError as err:
            _LOG.warning("weather not available", reason=str(err))
            return Answer(responses.render("no_weather", match.language), done=False)
        return Answer(queries.format_weather(match, known))

    async def get_weather(self) -> WeatherState:
        """Return the weather, at most `keep_seconds` old. Raises WeatherError."""
        async with self._lock:
            if self._cached is None or self._cached_at is None or self._clock() - self._cached_at > self._keep_seconds:
                self._cached, self._cached_at = await self._request(), self._clock()
            return self._cached

    async def _request(self) -> WeatherState:
        from aiohttp import ClientError

        try:
            async with asyncio.timeout(self._seconds):
                return parse_weather(json.loads(await self._fetch()))
        except TimeoutError as err:
            raise WeatherError(f"the weather service did not answer within {self._seconds:g} seconds") from err
        except (ClientError, OSError) as err:
            raise WeatherError(f"the weather service cannot be reached: {type(err).__name__}") from err
        except ValueError as err:
            raise WeatherError("the weather service sent an invalid response") from err

    async def _fetch(self) -> bytes:
        from aiohttp import ClientSession

        async with ClientSession() as session, session.get(self._url) as answer:
            if answer.status != 200:
                raise WeatherError(f"the weather service answers {answer.status}")
            return await _read_body(answer)


async def _read_body(answer: "ClientResponse") -> bytes:
    body = b""
    async for chunk in answer.content.iter_chunked(8192):
        body += chunk
        if len(body) > MAX_RESPONSE_SIZE:
            raise WeatherError(f"the weather service answers with more than {MAX_RESPONSE_SIZE} bytes")
    return body


def parse_weather(document: object) -> WeatherState:
    """Parse a response in Open-Meteo's format. Raises ValueError for anything else."""
    try:
        current, daily = _get_table(document, "current"), _get_table(document, "daily")
        days = islice(enumerate(daily["time"]), MAX_DAYS)
        forecast = tuple(_parse_day(daily, number, str(day)) for number, day in days)
        return WeatherState(_weather_state(current["weather_code"]), round(float(current["temperature_2m"])), forecast)
    except (KeyError, IndexError, TypeError) as err:
        raise ValueError("not a weather response") from err


def _get_table(document: object, key: str) -> Mapping[str, Any]:
    table = document[key] if isinstance(document, dict) else None
    if not isinstance(table, dict):
        raise TypeError(key)
    return table


def _parse_day(daily: Mapping[str, Any], number: int, day: str) -> DailyForecast:
    rain = daily.get("precipitation_probability_max", {})
    likely = rain[number] if isinstance(rain, list) and rain[number] is not None else None
    return DailyForecast(
        day,
        _weather_state(daily["weather_code"][number]),
        float(daily["temperature_2m_min"][number]),
        float(daily["temperature_2m_max"][number]),
        None if likely is None else round(float(likely)),
    )


def _weather_state(code: object) -> str:
    number = int(str(code))
    return next((state for most, state in _STATES if number <= most), "unknown")


def _format_url(url: str, home: Home) -> str:
    """Fill in the location of the home. Raises ConfigError when it is not known."""
    place = home.location
    if place.latitude is None or place.longitude is None:
        raise ConfigError(
            "the weather needs the location of the home: add [location] with latitude and longitude to the home file"
        )
    template = OPEN_METEO if url == "open-meteo" else url
    if not template.startswith(("http://", "https://")):
        raise ConfigError(f"--weather.url must be 'open-meteo' or begin with http:// or https://, not '{url}'")
    unit = "fahrenheit" if home.preferences.units == "imperial" else "celsius"
    for key, value in (("latitude", place.latitude), ("longitude", place.longitude), ("unit", unit)):
        template = template.replace(f"{{{key}}}", str(value))
    return template
