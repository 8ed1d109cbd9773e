# It runs in .venv-peers/gazetteer, whose packages this project does not install.
# mypy: ignore-errors
"""Runs gazetteer-matcher in its own environment: reads a home and sentences as JSON, prints what it makes of each.

Input: {"home": {areas, floors, entities}, "area": ID, "texts": [...]}. Output: {"ready_seconds", "megabytes", "results"}, each
result with its frames and the CPU time in milliseconds.
"""

import json
import resource
import sys
import time

from gazetteer_matcher import GazetteerMatcher


def interpret(matcher, text, area):
    began = time.thread_time()
    found = matcher.interpret(text, context_area=area)
    milliseconds = (time.thread_time() - began) * 1000
    frames = [[frame.intent, dict(frame.slots)] for frame in found.frames] if found.accepted else []
    return {"frames": frames, "milliseconds": milliseconds}


def main():
    given = json.load(sys.stdin)
    began = time.perf_counter()
    matcher = GazetteerMatcher(home=given["home"])
    ready = time.perf_counter() - began
    results = [interpret(matcher, text, given["area"]) for text in given["texts"]]
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"ready_seconds": ready, "megabytes": megabytes, "results": results}, sys.stdout, default=str)


if __name__ == "__main__":
    main()
