"""Counts the texts that are spoken with the right words, by language and kind.

    python -m benchmarks.pronunciation [--language en] [--half open] [--plain] [--failures]

The tables in tests/unit/tts/readings hold texts and their right words; a text is right if espeak-ng makes the same
phonemes of it as of the words. The rows take turns: those of the open half were looked at while the rules were written,
those of the kept half only counted. `--plain` leaves out the normalization. `--failures` prints what is wrong in the open half.
"""

import argparse
from collections import Counter

from tests.readings import HALVES, Reading, find_languages, load_readings, say

ALL = "all"


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", choices=find_languages(), action="append")
    parser.add_argument("--half", choices=HALVES, action="append")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--failures", action="store_true")
    options = parser.parse_args()
    for language in options.language or find_languages():
        readings = [one for one in load_readings(language) if one.half in (options.half or HALVES)]
        right = [one for one in readings if one.is_right(say(one.text, language, is_normalized=not options.plain))]
        print_counts(language, readings, right)
        if options.failures:
            print_failures(
                [one for one in readings if one not in right and one.half == HALVES[0]], is_plain=options.plain
            )


def print_counts(language: str, readings: list[Reading], right: list[Reading]) -> None:
    """Print the right texts among all, for each half and kind."""
    total, good = (Counter(key for one in some for key in (one.half, one.kind)) for some in (readings, right))
    kinds = ", ".join(f"{kind} {good[kind]}/{count}" for kind, count in total.items() if kind not in HALVES)
    halves = ", ".join(f"{half} {good[half]}/{total[half]}" for half in HALVES)
    print(f"{language}: {len(right)} of {len(readings)} ({halves}): {kinds}")


def print_failures(readings: list[Reading], *, is_plain: bool) -> None:
    """Print each text with what is said and what is right."""
    for one in readings:
        print(f"  {one.kind}: {one.text}\n    said:  {say(one.text, one.language, is_normalized=not is_plain)}")
        print(f"    right: {' | '.join(one.words)}")


if __name__ == "__main__":
    main()
