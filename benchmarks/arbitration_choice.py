"""How often each rule chooses the satellite next to the speaker, for recorded wake words in simulated homes.

python benchmarks/arbitration_choice.py [--data FOLDER] [--homes 40] [--seed 7]

Each home has 2 to 6 satellites: one or two in the speaker's room, the others behind a wall or two. A room is a decaying tail of
noise behind the direct sound; satellites differ in microphone gain, in their noise, and in how late they report.
"""

import argparse
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from wyoming_rosie.audio.formats import SPEECH, Converter, read_wav
from wyoming_rosie.wakeword.arbitration.loudness import LoudnessMeter
from wyoming_rosie.wakeword.arbitration.rules import (
    MAX_LATENESS_MS,
    MAX_SNR_TENTHS,
    Claim,
    choose,
    to_permille,
    to_tenths,
)
from wyoming_rosie.wakeword.detection import TriggerRules, drop_near_misses
from wyoming_rosie.wakeword.micro import MicroModel, MicroStream, find_package_models

REPOSITORY = Path(__file__).parents[1]
RECORDINGS = {
    "okay_nabu": ("woww_okay_nabu", "mww_okay_nabu_1"),
    "hey_jarvis": ("woww_hey_jarvis", "mww_hey_jarvis_1"),
    "alexa": ("woww_alexa", "mww_alexa_2"),
    "hey_mycroft": ("woww_hey_mycroft", "oww_hey_mycroft_test"),
}
LEAD_SECONDS = 4.0
SPEED_OF_SOUND = 343.0
Signal: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """Where a satellite is: metres from the speaker, walls between, seconds of reverberation, noise and gain in dB."""

    metres: float
    walls: int
    reverberation: float
    noise_dbfs: float
    gain_db: float

    @property
    def direct_db(self) -> float:
        return -20 * math.log10(max(self.metres, 0.3)) - 18.0 * self.walls


@dataclass(frozen=True)
class Heard:
    """What a satellite has of the word; `at` is when it reports it, in seconds."""

    place: Place
    score: float
    at: float
    snr_db: float
    level_db: float


Choice: TypeAlias = Callable[[Sequence[Heard]], Heard]


def main() -> None:
    """Print the share of right choices of each rule as a table and as JSON."""
    given = _arguments()
    rng = np.random.default_rng(given.seed)
    homes = [home for home in _hear_homes(given.data, given.homes, rng) if len(home) > 1]
    for title, chosen in (("all", homes), ("speaker beside one", [home for home in homes if _is_clear(home)])):
        print(f"\n{title}: {len(chosen)} wakes heard by 2 or more, {dict(sorted(Counter(map(len, chosen)).items()))}")
        for name in RULES:
            print(f"  {name:32} {_share_right(name, chosen):.1%}")
    answered, fair = _share_of_another_make(homes)
    print(
        f"\na satellite of another make, which tells no loudness, answers {answered:.1%}, where {fair:.1%} would be fair"
    )
    print(json.dumps({name: round(_share_right(name, homes), 3) for name in RULES}))


def _share_right(rule: str, homes: Sequence[Sequence[Heard]]) -> float:
    return float(np.mean([_is_right(RULES[rule](home), home) for home in homes]))


def _share_of_another_make(homes: Sequence[Sequence[Heard]]) -> tuple[float, float]:
    """Return how often each satellite in turn answers if it tells no loudness, and how often it would as one of many."""
    wins = [_choose_as_the_house(home, silent=one) is one for home in homes for one in home]
    return float(np.mean(wins)), len(homes) / len(wins)


def _choose_as_the_house(home: Sequence[Heard], silent: Heard | None = None) -> Heard:
    """Return what the house's rules choose; `silent` is of another make and tells neither score nor loudness."""
    first = min(heard.at for heard in home)
    claims = {}
    for number, heard in enumerate(home):
        lateness_ms = round(1000 * (heard.at - first))
        if lateness_ms <= MAX_LATENESS_MS:
            told = (None, None) if heard is silent else (to_permille(heard.score), to_tenths(heard.snr_db))
            claims[Claim(str(number), "", *told, lateness_ms)] = heard
    return claims[choose(claims)]


def _best(key: Callable[[Heard], Any]) -> Choice:
    return lambda home: max(home, key=key)


def _weighted(score: float, late: float) -> Choice:
    return _best(lambda heard: min(heard.snr_db, MAX_SNR_TENTHS / 10) + score * heard.score - late * 1000 * heard.at)


RULES: dict[str, Choice] = {
    "loudness alone": _best(lambda heard: heard.level_db),
    "loudness over the floor": _best(lambda heard: heard.snr_db),
    "score": _best(lambda heard: heard.score),
    "first": _best(lambda heard: -heard.at),
    "score, then first": _best(lambda heard: (round(heard.score, 2), -heard.at)),
    "the house's rules": _choose_as_the_house,
} | {
    f"floor + {score:g} score - {late:g} ms": _weighted(score, late)
    for score in (0, 5, 10, 20, 40)
    for late in (0, 0.05, 0.1, 0.2, 0.4)
}


def _is_right(choice: Heard, home: Sequence[Heard]) -> bool:
    """Whether nobody is much nearer to the speaker: by 3 dB of direct sound, which nobody would call the wrong one."""
    return choice.place.direct_db >= max(heard.place.direct_db for heard in home) - 3


def _is_clear(home: Sequence[Heard]) -> bool:
    first, second = sorted((heard.place.direct_db for heard in home), reverse=True)[:2]
    return bool(first - second > 6)


def _hear_homes(data: Path, homes: int, rng: np.random.Generator) -> Iterator[list[Heard]]:
    models = find_package_models()
    for name, files in RECORDINGS.items():
        for file in files:
            dry = _read(data / "wake" / f"{file}.wav")
            for _ in range(homes):
                places = _furnish(rng)
                heard = [_hear(dry, place, models[name], rng) for place in places]
                yield [one for one in heard if one is not None]


def _furnish(rng: np.random.Generator) -> list[Place]:
    count, inside = rng.integers(2, 7), rng.integers(1, 3)
    places = [
        Place(
            metres=float(rng.uniform(0.7, 4) if index < inside else rng.uniform(3, 9)),
            walls=0 if index < inside else int(rng.integers(0, 3)),
            reverberation=float(rng.uniform(0.2, 0.7)),
            noise_dbfs=float(rng.uniform(-72, -42)),
            gain_db=float(rng.uniform(-6, 6)),
        )
        for index in range(count)
    ]
    rng.shuffle(places)  # so that a rule which cannot choose is not right by chance
    return places


def _hear(dry: Signal, place: Place, model: MicroModel, rng: np.random.Generator) -> Heard | None:
    sound = _in_room(dry, place, rng)
    pcm = (np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes()
    stream, meter = MicroStream([model], TriggerRules()), LoudnessMeter()
    step = SPEECH.bytes_in(0.02)
    for at in range(0, len(pcm), step):
        piece = pcm[at : at + step]
        meter.push(piece, (at + len(piece)) // SPEECH.frame_bytes)
        for found in drop_near_misses(stream.process(piece)):
            late = float(rng.uniform(0, 0.06))  # pieces of audio that the device collects, and its load
            snr = meter.measure_word(found.sample)
            assert snr is not None
            level = snr + min(meter._levels)  # noqa: SLF001 - a rule that is compared, not one that is used
            return Heard(place, found.score, found.sample / SPEECH.rate + late, snr, level)
    return None


def _in_room(dry: Signal, place: Place, rng: np.random.Generator) -> Signal:
    """Return what a satellite's microphone delivers."""
    rate = SPEECH.rate
    lead = np.zeros(int(LEAD_SECONDS * rate))
    spoken = np.concatenate([lead, dry, np.zeros(rate // 2)])
    direct = 10 ** (place.direct_db / 20)
    tail = rng.standard_normal(int(place.reverberation * rate))
    tail *= np.exp(-6.9 * np.arange(len(tail)) / len(tail))
    tail *= 0.5 * 10 ** (-15.0 * place.walls / 20) / np.sqrt(np.sum(tail**2))  # that of 2 m, the same in all of a room
    delay = int(place.metres / SPEED_OF_SOUND * rate)
    impulse = np.concatenate([np.zeros(delay), [direct], tail])
    size = 1 << (len(spoken) + len(impulse)).bit_length()
    wet = np.fft.irfft(np.fft.rfft(spoken, size) * _behind_walls(size, place.walls) * np.fft.rfft(impulse, size), size)
    noise = rng.standard_normal(len(spoken)) * 10 ** (place.noise_dbfs / 20)
    heard: Signal = (wet[: len(spoken)] + noise) * 10 ** (place.gain_db / 20)
    return heard


def _behind_walls(size: int, walls: int) -> Any:
    """Return a low pass: a wall takes 6 dB more of each octave above 500 Hz."""
    frequencies = np.fft.rfftfreq(size, 1 / SPEECH.rate)
    return 1 / (1 + (frequencies / 500.0) ** walls) if walls else np.ones(len(frequencies))


def _read(path: Path) -> Signal:
    with path.open("rb") as file:
        audio, pcm = read_wav(file)
    samples = np.frombuffer(Converter(audio, SPEECH).convert(pcm), "<i2").astype(np.float64) / 32_768
    voice: Signal = samples * 10 ** (-20 / 20) / np.sqrt(np.mean(samples**2) + 1e-12)  # of -20 dBFS at a metre
    return voice


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("WYOMING_ROSIE_TEST_DATA", REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--homes", type=int, default=40, help="homes for each recording")
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


if __name__ == "__main__":
    main()
