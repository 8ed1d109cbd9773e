"""openWakeWord's networks: what the streaming ones say against what the whole windows say, and files that are none."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from benchmarks.wake_scores import WholeWindows
from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.wakeword.openwakeword import graphs, model_files, network, tflite_graph
from wyoming_rosie.wakeword.openwakeword.model_files import ModelFile

PACKAGES = dict(model_files.find_packages())
OPENWAKEWORD = PACKAGES["openwakeword"]
PYOPEN = PACKAGES["pyopen_wakeword"]
FEATURES = {
    "onnx": model_files.FeatureFiles(OPENWAKEWORD / "melspectrogram.onnx", OPENWAKEWORD / "embedding_model.onnx"),
    "tflite": model_files.FeatureFiles(PYOPEN / "melspectrogram.tflite", PYOPEN / "embedding_model.tflite"),
}
HOP = model_files.HOP_SAMPLES
Samples = npt.NDArray[np.int16]


@pytest.fixture(scope="module")
def words() -> dict[str, ModelFile]:
    return model_files.find_models([])


@pytest.fixture(scope="module")
def loaded(words: dict[str, ModelFile]) -> network.OpenWakeWordNetwork:
    return network.load_network(words, FEATURES["onnx"])


def _run(session: Any, given: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.asarray(session.run(None, {session.get_inputs()[0].name: given})[0])


def hops(samples: Samples) -> list[bytes]:
    return [samples[at : at + HOP].tobytes() for at in range(0, len(samples) - HOP + 1, HOP)]


def streamed(loaded: network.OpenWakeWordNetwork, samples: Samples, names: Sequence[str]) -> dict[str, list[float]]:
    state = loaded.create_stream()
    heard = [loaded.predict([state], [hop], [tuple(names)])[0] for hop in hops(samples)]
    return {name: list(scores) for name, scores in zip(names, zip(*heard, strict=True), strict=True)}


def scores(head: network.WakeWordHead, windows: npt.NDArray[np.float32]) -> list[float]:
    return [score for (score,) in network.HeadGroup([head]).score(windows)]


def noise(seconds: float, seed: int, level: int = 2000) -> Samples:
    return np.random.default_rng(seed).integers(-level, level, round(seconds * SPEECH.rate)).astype(np.int16)


def test_scores_equal_those_of_whole_windows_on_every_recorded_word(
    shared_data: Path, loaded: network.OpenWakeWordNetwork, words: dict[str, ModelFile]
) -> None:
    names = [name for name, file in words.items() if file.path.suffix == ".onnx"]
    whole = WholeWindows(FEATURES["onnx"], {name: words[name].path for name in names})
    for path in sorted((shared_data / "wake").glob("*.wav")):
        audio, pcm = read_wav(path)
        assert audio == SPEECH
        samples = np.concatenate([noise(1, 1, 8), np.frombuffer(pcm, np.int16), noise(1, 2, 8)])
        expected, got = whole.scores(samples), streamed(loaded, samples, names)
        assert max(np.abs(np.subtract(expected[name], got[name])).max() for name in names) < 1e-4, path.name


def test_scores_differ_if_the_stream_loses_its_state(
    shared_data: Path, loaded: network.OpenWakeWordNetwork, words: dict[str, ModelFile]
) -> None:
    _, pcm = read_wav(shared_data / "wake" / "woww_alexa.wav")
    samples = np.frombuffer(pcm, np.int16)
    whole = WholeWindows(FEATURES["onnx"], {"alexa": words["alexa"].path}).scores(samples)["alexa"]
    state, got = loaded.create_stream(), []
    for hop in hops(samples):
        state.state = np.zeros_like(state.state)
        got.append(loaded.predict([state], [hop], [("alexa",)])[0][0])
    assert np.abs(np.subtract(whole, got)).max() > 0.5


@settings(max_examples=10, deadline=None)
@given(seeds=st.lists(st.integers(0, 1000), min_size=2, max_size=20))
def test_a_batch_gives_the_same_scores_as_single_streams(loaded: network.OpenWakeWordNetwork, seeds: list[int]) -> None:
    sounds = [noise(0.5, seed) for seed in seeds]
    states = [loaded.create_stream() for _ in seeds]
    names = [("alexa", "hey_jarvis") if seed % 2 else ("okay_nabu",) for seed in seeds]
    together = [loaded.predict(states, list(now), names) for now in zip(*map(hops, sounds), strict=True)]
    for row, sound in enumerate(sounds):
        alone = streamed(loaded, sound, names[row])
        for column, name in enumerate(names[row]):
            assert [now[row][column] for now in together] == pytest.approx(alone[name], abs=1e-4)


def test_a_new_stream_costs_no_work_and_shares_no_state(loaded: network.OpenWakeWordNetwork) -> None:
    first, second = loaded.create_stream(), loaded.create_stream()
    assert first.state is second.state
    loaded.predict([first], [hops(noise(0.1, 3))[0]], [("alexa",)])
    assert first.state is not second.state
    assert np.array_equal(second.state, loaded.create_stream().state)


def test_converted_tflite_networks_equal_tensorflow_lite() -> None:
    from pyopen_wakeword import OpenWakeWord, OpenWakeWordFeatures
    from pyopen_wakeword.const import Model

    files = {model.value: PYOPEN / f"{model.value}.tflite" for model in Model}
    windows = np.random.default_rng(5).normal(0, 12, (4, 16, 96)).astype(np.float32)
    for name, path in files.items():
        ours = scores(network.WakeWordHead(name, path), windows)
        theirs = []
        for window in windows:
            library = OpenWakeWord.from_model(path)
            theirs += list(library.process_streaming(window[None, None]))
        assert ours == pytest.approx(theirs, abs=1e-4), name
    samples = noise(2, 7)  # after the 8 s of silence that the library begins with; it keeps 10 s
    library_features = OpenWakeWordFeatures.from_builtin()
    embeddings = [one.reshape(-1) for one in library_features.process_streaming(samples.tobytes())]
    embedding = tflite_graph.to_onnx(FEATURES["tflite"].embedding.read_bytes())
    mel = graphs.extract_mel(tflite_graph.read_values(FEATURES["tflite"].mel.read_bytes()))
    window = network.create_session(graphs.build_window_graph(mel, embedding))
    audio = np.concatenate([np.zeros(8 * SPEECH.rate, np.int16), samples]).astype(np.float32)
    assert len(embeddings) > 110
    for hop in range(
        102, len(embeddings)
    ):  # windows of noise alone: the spectrum of a hop is limited by its own loudest band
        piece = audio[None, hop * HOP : hop * HOP + 68 * 160 + 1760]
        frames = _run(window, piece).reshape(-1)
        assert np.abs(frames - embeddings[hop]).max() < 1e-3


def test_tflite_embedding_streams_exactly_too() -> None:
    mel = graphs.extract_mel(tflite_graph.read_values(FEATURES["tflite"].mel.read_bytes()))
    embedding = tflite_graph.to_onnx(FEATURES["tflite"].embedding.read_bytes())
    window = network.create_session(graphs.build_window_graph(mel, embedding))
    built = graphs.build_feature_graph(mel, embedding, 4)
    streaming = network.create_session(built.model)
    samples = noise(4, 11)
    state = np.zeros((1, built.state_floats), np.float32)
    for hop in range(len(samples) // HOP):
        pcm = samples[None, hop * HOP : (hop + 1) * HOP]
        state, windows = streaming.run(None, {"pcm": pcm, "state": state})
        begin = (hop + 1) * HOP - (68 * 160 + 1760)
        if begin >= 0:
            whole = _run(window, samples[None, begin : (hop + 1) * HOP].astype(np.float32)).reshape(-1)
            assert np.abs(windows[0, -1] - whole).max() < 1e-4


def test_words_are_found_by_name_with_their_licence(words: dict[str, ModelFile]) -> None:
    assert {"alexa", "hey_jarvis", "hey_mycroft", "okay_nabu"} <= set(words)
    assert words["alexa"].licence == "CC BY-NC-SA 4.0"
    assert words["alexa"].version == "0.1"
    assert "timer" not in words
    assert "timer" in model_files.find_models([], ["timer"])


def test_a_folder_of_the_users_comes_first(tmp_path: Path) -> None:
    (tmp_path / "alexa.onnx").write_bytes((OPENWAKEWORD / "alexa_v0.1.onnx").read_bytes())
    found = model_files.find_models([tmp_path])
    assert found["alexa"].path.parent == tmp_path
    assert found["alexa"].licence == ""
    assert found["okay_nabu"].licence


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_a_folder_without_models_is_rejected(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="--custom-model-dir"):
        model_files.find_models([tmp_path / name])


def _dense(inputs: list[int], columns: int) -> bytes:
    """Return a small network that flattens its input: what somebody may have trained for something else."""
    size = int(np.prod(inputs[1:]))
    weights = helper.make_tensor("w", TensorProto.FLOAT, [size, columns], np.zeros(size * columns, np.float32))
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["x"], ["f"]), helper.make_node("MatMul", ["f", "w"], ["y"])],
        "other",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, inputs)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, columns])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not an ONNX or TensorFlow Lite model"),
        (b"this is no model at all", "not an ONNX or TensorFlow Lite model"),
        (b"\x00" * 4096, "not an ONNX or TensorFlow Lite model"),
        (b"\x10\x00\x00\x00TFL3" + b"\xff" * 200, "damaged"),
        (_dense([1, 40], 1), r"not \(1, frames, 96\)"),
        (_dense([1, 16, 40], 1), r"not \(1, frames, 96\)"),
    ],
    ids=["empty", "text", "zeros", "damaged-tflite", "two-dimensions", "other-features"],
)
def test_a_file_that_is_not_a_wake_word_is_rejected_by_name(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "mine.onnx"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=said) as refused:
        network.WakeWordHead("mine", path)
    assert str(path) in str(refused.value)


def test_a_truncated_model_is_rejected(tmp_path: Path) -> None:
    for source in (OPENWAKEWORD / "alexa_v0.1.onnx", PYOPEN / "okay_nabu.tflite"):
        whole = source.read_bytes()
        for part in (100, 1000, len(whole) // 2, len(whole) - 10):
            path = tmp_path / f"cut{source.suffix}"
            path.write_bytes(whole[:part])
            with pytest.raises(ConfigError):
                network.WakeWordHead("cut", path)


def test_other_networks_are_rejected(tmp_path: Path) -> None:
    other = tmp_path / "embedding_model.onnx"
    other.write_bytes(_dense([1, 16, 96], 96))
    with pytest.raises(ConfigError, match="not openWakeWord's embedding"):
        network.FeatureExtractor(model_files.FeatureFiles(FEATURES["onnx"].mel, other), 16)
    with pytest.raises(ConfigError, match="not openWakeWord's mel"):
        network.FeatureExtractor(model_files.FeatureFiles(other, FEATURES["onnx"].embedding), 16)


def test_a_head_that_takes_one_window_at_a_time_gives_the_same_scores(tmp_path: Path) -> None:
    """Reshaping to one row, as some converters write, cannot be batched."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [1536, 1], np.linspace(-0.01, 0.01, 1536, dtype=np.float32))
    shape = helper.make_tensor("s", TensorProto.INT64, [2], [1, 1536])
    graph = helper.make_graph(
        [
            helper.make_node("Reshape", ["x", "s"], ["f"]),
            helper.make_node("MatMul", ["f", "w"], ["m"]),
            helper.make_node("Sigmoid", ["m"], ["y"]),
        ],
        "single",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16, 96])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1])],
        [weights, shape],
    )
    path = tmp_path / "single.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7), path)
    head = network.WakeWordHead("single", path)
    windows = np.random.default_rng(3).normal(0, 5, (4, 16, 96)).astype(np.float32)
    alone = [scores(head, windows[i : i + 1])[0] for i in range(4)]
    assert head.batched is None
    assert scores(head, windows) == pytest.approx(alone)
    assert len(set(alone)) == 4
