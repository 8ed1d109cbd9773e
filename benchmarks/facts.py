"""Facts in talk: how many of a made set a language model finds, and how many wrong ones the rules stop.

python -m benchmarks.facts [--provider openai --url http://127.0.0.1:8080/v1 --model NAME]

Without a model, one that takes every sentence for a fact stands for the worst. The set is facts_set.toml beside this file.
"""

import argparse
import asyncio
import json
import os
import tomllib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import TypeAlias

from wyoming_rosie_intent.llm import tier_config
from wyoming_rosie_intent.llm.model import ModelError
from wyoming_rosie_intent.llm.prompts import prompt
from wyoming_rosie_intent.llm.tier_config import TierSettings
from wyoming_rosie_intent.memory.extraction.candidates import ExtractionError, parse_candidates
from wyoming_rosie_intent.memory.extraction.extractor import BATCH
from wyoming_rosie_intent.memory.extraction.grounding import ground, may_have_facts
from wyoming_rosie_intent.memory.model import MemoryKind, MemoryRecord

Ask: TypeAlias = Callable[[Sequence[str]], Awaitable[str]]
_SET = Path(__file__).with_name("facts_set.toml")


def load_set() -> list[tuple[MemoryRecord, str]]:
    """Return the sentences, each with its fact; "" for none."""
    tables = tomllib.loads(_SET.read_text("utf-8"))
    said = [(language, text, fact) for language, table in tables.items() for text, fact in table.items()]
    return [
        (MemoryRecord(MemoryKind.CONVERSATION, text, 2e9 + number, turn=str(number), language=language), fact)
        for number, (language, text, fact) in enumerate(said)
    ]


async def call_all_facts(sentences: Sequence[str]) -> str:
    """Take every sentence for a fact."""
    return json.dumps({"facts": [{"sentence": number, "text": text} for number, text in enumerate(sentences, 1)]})


async def measure(ask: Ask, batch_size: int) -> None:
    """Print what a model finds and what is stored of it."""
    sentences = load_set()
    expected = {record.turn: fact for record, fact in sentences}
    talk = [record for record, _ in sentences if may_have_facts(record)]
    counts: Counter[str] = Counter({"sentences": len(sentences), "facts in them": sum(map(bool, expected.values()))})
    counts["never shown to the model"] = len(sentences) - len(talk)
    began = perf_counter()
    for start in range(0, len(talk), batch_size):
        batch = talk[start : start + batch_size]
        counts["requests"] += 1
        try:
            candidates = parse_candidates(await ask([record.text for record in batch]))
        except (ExtractionError, ModelError) as err:
            counts[f"requests in vain: {err}"] += 1
            continue
        facts, rejections = ground(candidates, batch, ())
        counts["candidates"] += len(candidates)
        counts.update(f"stopped: {reason.value}" for reason in rejections)
        for fact in facts:
            is_right = expected[fact.turn] == fact.text
            counts["stored, right" if is_right else "stored, wrong"] += 1
            print("" if is_right else "WRONG ", fact.language, fact.text)
    print(*(f"{count:5}  {name}" for name, count in counts.items()), sep="\n")
    print(f"{perf_counter() - began:.1f} s, load {os.getloadavg()[0]:.1f}")


async def run(arguments: argparse.Namespace) -> None:
    """Measure a model at its server, or the worst one."""
    if not arguments.model:
        await measure(call_all_facts, arguments.batch)
        return
    settings = TierSettings(arguments.model, arguments.provider, arguments.url, stall_seconds=60, temperature=0.0)
    served, prompts = tier_config.load("local", settings), prompt.load()
    assert served is not None
    try:
        await measure(lambda sentences: served.complete(prompts.render_facts(sentences)), arguments.batch)
    finally:
        await served.close()


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="")
    parser.add_argument("--provider", default="openai")
    parser.add_argument("--url", default="http://127.0.0.1:8080/v1")
    parser.add_argument("--batch", type=int, default=BATCH)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
