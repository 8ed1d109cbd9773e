"""Rules that turn openWakeWord's scores into detections, on wake words in noise and on other speech.

Usage: wake_rules.py FOLDER [--seeds N] [--minutes N] [--piper MODEL.onnx]. Each recording is mixed with each noise, and the scores of all
words are computed once; each rule then runs on the same scores. Recordings take turns: the first half is for choosing, the second only
for counting.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from benchmarks import rooms
from benchmarks.accuracy_asr import samples
from benchmarks.front_end import from_dbfs
from benchmarks.playback import answers, create_echo_path, say
from benchmarks.rooms import MS, RATE, Samples
from benchmarks.stop_word import FLITE_VOICES, say_with_flite, say_with_piper
from wyoming_rosie.audio.formats import read_wav
from wyoming_rosie.wakeword.detection import OneWordFilter, TriggerRules, drop_near_misses
from wyoming_rosie.wakeword.openwakeword import model_files, network
from wyoming_rosie_wake.engines.openwakeword import Settings

HOP = model_files.HOP_SAMPLES
SECONDS_PER_HOP = HOP / RATE
VOICE_DBFS = -26.0
LEAD_MS, TAIL_MS = 2500, 1000
NOISE_DB = 6
CONDITIONS = ("quiet", "kitchen", "music", "television", "hiss")
HALVES = ("for choosing", "for counting")
REFRACTORY_HOPS = 25
BATCH = 32
WAKE_WORDS = ("alexa", "jarvis", "mycroft", "nabu", "rhasspy", "marvin")

Scores: TypeAlias = npt.NDArray[np.float32]  # by hop and word


@dataclass(frozen=True)
class Track:
    """The scores of some audio, its level in each hop (dBFS), and the word that is in it."""

    scores: Scores
    levels: Samples
    word: str = ""


@dataclass(frozen=True)
class Said:
    word: str
    voice: str
    audio: Samples


def recordings(folder: Path, words: Sequence[str], piper: Path | None) -> Iterator[Said]:
    """Yield the wake words of people and of synthetic voices, voice by voice."""
    for file in sorted((folder / "wake").glob("*.wav")):
        if found := [word for word in words if word in file.stem]:
            yield Said(found[0], "people", samples(read_wav(file)[1]))
    for voice, word in product(FLITE_VOICES, words):
        yield Said(word, "synthetic", say_with_flite(word.replace("_", " "), voice, 1.1))
    if piper is not None:
        for number, word in product((0, 2), words):
            yield Said(word, "synthetic", say_with_piper(word.replace("_", " "), piper, number))


class Scorer:
    """openWakeWord's networks for all words."""

    def __init__(self) -> None:
        files = model_files.find_models([])
        self._network = network.load_network(files, model_files.find_feature_files([]))
        self.words = tuple(sorted(files))
        self._network.load_words(self.words)

    def score(self, audios: Sequence[Samples]) -> list[Track]:
        """Return the tracks of audio of equal length."""
        states = [self._network.create_stream() for _ in audios]
        whole = np.clip(np.stack(audios), -32768, 32767).astype("<i2")
        hops = range(0, whole.shape[1] - HOP + 1, HOP)
        names = [self.words] * len(audios)
        scores = [self._network.predict(states, [row[at : at + HOP].tobytes() for row in whole], names) for at in hops]
        by_stream = np.asarray(scores, np.float32).transpose(1, 0, 2)
        return [
            Track(found, np.array([level_dbfs(audio[at : at + HOP]) for at in hops]))
            for found, audio in zip(by_stream, whole.astype(float), strict=True)
        ]


def level_dbfs(audio: Samples) -> float:
    return float(10 * np.log10((audio**2).mean() / 32768**2 + 1e-12))


def mixtures(said: Said, folder: Path, condition: str, rng: np.random.Generator) -> Samples:
    """Return a wake word in a room with a noise NOISE_DB softer."""
    audio = create_echo_path(rng).apply(said.audio) if said.voice != "people" else said.audio
    audio = audio * from_dbfs(VOICE_DBFS + rng.uniform(-6, 6)) / rooms.level(audio)
    lead = int(rng.integers(0, HOP)) + LEAD_MS * MS
    whole = np.concatenate([np.zeros(lead), audio, np.zeros(TAIL_MS * MS)])
    whole += rng.normal(0, from_dbfs(-65), len(whole))
    if condition == "quiet":
        return whole
    if condition == "hiss":
        other = rng.normal(0, 1, len(whole))
    else:
        other = rooms.backgrounds(folder)[condition](rng, len(whole))
    return whole + other * rooms.level(audio) / rooms.level(other) / 10 ** (NOISE_DB / 20)


def score_words(scorer: Scorer, folder: Path, said: Sequence[Said], seeds: int) -> dict[tuple[str, str], list[Track]]:
    """Return the tracks of each half and condition."""
    found: dict[tuple[str, str], list[Track]] = {}
    for condition in CONDITIONS:
        scenes = [
            (HALVES[number % 2], one, mixtures(one, folder, condition, np.random.default_rng([seed, number])))
            for seed in range(seeds)
            for number, one in enumerate(said)
        ]
        size = max(len(audio) for _, _, audio in scenes)
        for at in range(0, len(scenes), BATCH):
            batch = scenes[at : at + BATCH]
            padded = [np.pad(audio, (size - len(audio), 0), mode="wrap") for _, _, audio in batch]
            for (half, one, _), track in zip(batch, scorer.score(padded), strict=True):
                found.setdefault((half, condition), []).append(Track(track.scores, track.levels, one.word))
    return found


def other_audio(folder: Path, seconds: float) -> dict[str, Samples]:
    """Return audio without wake words: spoken texts, people's speech, music and noise."""
    rng = np.random.default_rng(1)
    spoken: list[Samples] = []
    plain = (text for text in answers() if not any(word in text.casefold() for word in WAKE_WORDS))
    for number, text in enumerate(plain):
        if sum(map(len, spoken)) > seconds * RATE:
            break
        voice = number % 3
        audio = say(text, "en-GB") if voice == 0 else say_with_flite(text, FLITE_VOICES[1 + voice], 1.0)
        spoken += [audio * from_dbfs(VOICE_DBFS) / max(rooms.level(audio), 1e-6), np.zeros(RATE // 2)]
    sources = rooms.backgrounds(folder)
    files = [file for name in ("commands-en", "commands-en-tts") for file in sorted((folder / name).glob("*.wav"))]
    people = np.concatenate([samples(read_wav(file)[1]) for file in files])
    television = np.concatenate([sources["television"](rng, 80 * RATE) * gain for gain in (0.1, 0.3, 1.0)])
    noise = np.concatenate([sources["kitchen"](rng, 60 * RATE), rng.normal(0, 500, 300 * RATE)])
    music = rooms.music(rng, 300) * 1000
    return {
        "spoken texts": np.concatenate(spoken),
        "television": np.concatenate([television, television + rng.normal(0, 500, len(television))]),
        "commands": np.concatenate([people, people + 0.5 * np.resize(noise, len(people))]),
        "music and noise": np.concatenate([noise, music]),
    }


Rule: TypeAlias = Callable[[Track], list[tuple[int, int]]]
"""Returns the hops and words of the detections."""


def with_thresholds(
    scores: Scores, levels: Samples, thresholds: Callable[[Samples], Samples], hops: int
) -> list[tuple[int, int]]:
    """Return the detections of words that are over the threshold of the hop for some hops, with a pause after each."""
    limit = thresholds(levels)
    found, counts, free = [], np.zeros(scores.shape[1], int), np.zeros(scores.shape[1], int)
    for hop, row in enumerate(scores):
        counts = np.where(row > limit[hop], counts + 1, 0)
        for word in np.flatnonzero((counts >= hops) & (hop >= free)):
            found.append((hop, int(word)))
            free[word] = hop + REFRACTORY_HOPS
    return found


def fixed(threshold: float, hops: int = 1) -> Rule:
    return lambda track: with_thresholds(
        track.scores, track.levels, lambda levels: np.full(len(levels), threshold), hops
    )


def confirmed(high: float, low: float, hops: int) -> Rule:
    """Return the rule of one high score, or of several lower ones in a row."""

    def detect(track: Track) -> list[tuple[int, int]]:
        both = sorted([*fixed(high)(track), *fixed(low, hops)(track)])
        found: list[tuple[int, int]] = []
        for hop, word in both:
            if all(word != other or hop - at >= REFRACTORY_HOPS for at, other in found):
                found.append((hop, word))
        return found

    return detect


def noise_floor(levels: Samples, hops: int = 38) -> Samples:
    """Return the level that a tenth of the last 3 s stay below."""
    return np.array([np.percentile(levels[max(0, at - hops + 1) : at + 1], 10) for at in range(len(levels))])


def by_noise(quiet: float, noisy: float, floor_dbfs: float, hops: int = 1) -> Rule:
    """Return the rule of a threshold in a quiet room and another in a noisy one."""

    def thresholds(levels: Samples) -> Samples:
        return np.where(noise_floor(levels) > floor_dbfs, noisy, quiet)

    return lambda track: with_thresholds(track.scores, track.levels, thresholds, hops)


def confirmed_in_noise(high: float, low: float, floor_dbfs: float) -> Rule:
    """Return the rule of one high score, or of two lower ones in a row while the room is noisy."""

    def detect(track: Track) -> list[tuple[int, int]]:
        is_noisy = noise_floor(track.levels) > floor_dbfs
        return confirmed(high, low, 2)(
            Track(np.where(is_noisy[:, None] | (track.scores > high), track.scores, 0), track.levels)
        )

    return detect


def best_only(rule: Rule, hops: int) -> Rule:
    """Return the rule that waits for some hops and keeps the word with the highest score of those near it."""

    def detect(track: Track) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for hop, _ in rule(track):
            if found and hop - found[-1][0] < REFRACTORY_HOPS:
                continue
            window = track.scores[max(0, hop - hops) : hop + hops + 1].max(axis=0)
            found.append((hop, int(window.argmax())))
        return found

    return detect


def shipped(settings: Settings, rules: TriggerRules = TriggerRules()) -> Rule:  # noqa: B008 - it is frozen
    """Return the engine's own rule."""

    def detect(track: Track) -> list[tuple[int, int]]:
        names = [str(word) for word in range(track.scores.shape[1])]
        triggers = [
            rules.create_trigger(name, model_files.THRESHOLD, settings.confirmation_threshold) for name in names
        ]
        one_word = OneWordFilter(settings.one_word_seconds)
        found: list[tuple[int, int]] = []
        for hop, row in enumerate(track.scores.tolist()):
            sample = (hop + 1) * HOP
            updates = [trigger.update(score, sample) for trigger, score in zip(triggers, row, strict=True)]
            pairs = zip(names, row, triggers, strict=True)
            rising = {name: score for name, score, trigger in pairs if score > trigger.min_score}
            remaining = one_word.update([update for update in updates if update is not None], rising, sample)
            found += [(hop, int(detection.name)) for detection in drop_near_misses(remaining)]
        return found

    return detect


RULES: Mapping[str, Rule] = {
    "0.5, as before": fixed(0.5),
    "as shipped": shipped(Settings()),
    "as shipped, one word in 0.5 s": shipped(Settings(one_word_seconds=0.5)),
    "as shipped, one word in 2 s": shipped(Settings(one_word_seconds=2.0)),
    "0.5, one word in 1 s": shipped(Settings(confirmation_threshold=0.0)),
    "0.3, one word in 1 s": shipped(Settings(), TriggerRules(threshold=0.3)),
    "0.3": fixed(0.3),
    "0.3 twice": fixed(0.3, 2),
    "0.5, or 0.3 twice": confirmed(0.5, 0.3, 2),
    "0.5, or 0.2 twice": confirmed(0.5, 0.2, 2),
    "0.5, or 0.1 three times": confirmed(0.5, 0.1, 3),
    "0.5, 0.3 in noise over -45 dBFS": by_noise(0.5, 0.3, -45),
    "0.5, 0.2 in noise over -45 dBFS": by_noise(0.5, 0.2, -45),
    "0.5, 0.3 twice in noise over -45 dBFS": confirmed_in_noise(0.5, 0.3, -45),
    "0.5, 0.3 in noise, best": best_only(by_noise(0.5, 0.3, -45), 1),
    "0.5, best": best_only(fixed(0.5), 1),
}


def count_words(rule: Rule, tracks: Sequence[Track], words: Sequence[str]) -> Counter[str]:
    """Count the recordings whose word was detected, and detections of another word."""
    counts = Counter[str]()
    for track in tracks:
        found = {words[word] for _, word in rule(track)}
        counts["hits"] += track.word in found
        counts["wrong"] += bool(found - {track.word})
    return counts


def print_rules(scorer: Scorer, tracks: Mapping[tuple[str, str], Sequence[Track]], others: Mapping[str, Track]) -> None:
    seconds = {name: len(track.scores) * SECONDS_PER_HOP for name, track in others.items()}
    print("of", {key: len(found) for key, found in tracks.items()})
    print("others, minutes:", {name: round(value / 60, 1) for name, value in seconds.items()})
    print("rule | half | " + " | ".join(CONDITIONS) + " | another word | false: " + ", ".join(others))
    for name, rule in RULES.items():
        false = ", ".join(str(len(rule(track))) for track in others.values())
        for half in HALVES:
            counts = {condition: count_words(rule, tracks[half, condition], scorer.words) for condition in CONDITIONS}
            hits = " | ".join(str(count["hits"]) for count in counts.values())
            wrong = sum(count["wrong"] for count in counts.values())
            print(f"{name} | {half} | {hits} | {wrong} | {false}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=int, default=60, help="of spoken texts without wake words")
    parser.add_argument("--piper", type=Path, help="a Piper voice")
    given = parser.parse_args()
    scorer = Scorer()
    said = list(recordings(given.folder, scorer.words, given.piper))
    tracks = score_words(scorer, given.folder, said, given.seeds)
    others = {name: scorer.score([audio])[0] for name, audio in other_audio(given.folder, 60 * given.minutes).items()}
    print_rules(scorer, tracks, others)


if __name__ == "__main__":
    main()
