"""Models: tensors in, rows in Frigate's layout out, whatever the model's own layout is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

cv2 = pytest.importorskip("cv2", reason="the edge classifier needs OpenCV: pip install 'wyoming-rosie[vision]'")
np = pytest.importorskip("numpy")

from wyoming_rosie.errors import ConfigError  # noqa: E402
from wyoming_rosie_bridge.vision.edge import children  # noqa: E402
from wyoming_rosie_bridge.vision.edge.detections import MAX_ROWS, ModelFinder, Rows, read_labels, to_rows  # noqa: E402
from wyoming_rosie_bridge.vision.edge.detectors import onnx, tflite  # noqa: E402
from wyoming_rosie_bridge.vision.edge.detectors.tflite import TfliteDetector  # noqa: E402
from wyoming_rosie_bridge.vision.edge.settings import EdgeSettings, detectors  # noqa: E402

SIZE = 320


def f32(values: Any) -> Any:
    return np.asarray(values, np.float32)


def check(rows: Rows) -> None:
    """Assert the layout that Frigate has: 20 rows of class, score and box, the best first."""
    assert rows.shape == (MAX_ROWS, 6)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    assert (np.diff(rows[:, 1]) <= 0).all()


def test_ssd_outputs_become_rows() -> None:
    boxes = f32([[[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.9, 0.8], [0, 0, 1, 1]]])
    rows = to_rows([boxes, f32([[2, 0, 1]]), f32([[0.6, 0.9, 0.99]]), f32([2])], SIZE, SIZE)
    check(rows)
    assert rows[:2].tolist() == f32([[0, 0.9, 0.5, 0.5, 0.9, 0.8], [2, 0.6, 0.1, 0.2, 0.3, 0.4]]).tolist()
    assert not rows[2:].any()


def test_rows_in_frigates_layout_are_kept() -> None:
    given_rows = np.zeros((20, 6), np.float32)
    given_rows[0] = [3, 0.7, 0.1, 0.2, 0.3, 0.4]
    assert to_rows([given_rows], SIZE, SIZE).tolist() == given_rows.tolist()


def test_rows_of_yolo_nas_become_rows() -> None:
    rows = to_rows([f32([[0, 32, 64, 160, 320, 0.8, 5]])], SIZE, SIZE)
    check(rows)
    assert rows[0].tolist() == pytest.approx([5, 0.8, 0.2, 0.1, 1.0, 0.5])


def test_columns_of_yolo_become_rows_without_overlaps() -> None:
    columns = np.zeros((1, 4 + 3, 2100), np.float32)
    columns[0, :4, 7] = [160, 160, 64, 128]
    columns[0, :4, 8] = [162, 160, 64, 128]
    columns[0, :4, 9] = [40, 40, 20, 20]
    columns[0, 6, 7], columns[0, 6, 8], columns[0, 4, 9] = 0.9, 0.8, 0.5
    rows = to_rows([columns], SIZE, SIZE)
    check(rows)
    assert rows[0].tolist() == pytest.approx([2, 0.9, 0.3, 0.4, 0.7, 0.6])
    assert rows[1].tolist() == pytest.approx([0, 0.5, 30 / 320, 30 / 320, 50 / 320, 50 / 320])
    assert not rows[2:].any()


def test_a_layout_that_is_not_known_is_named() -> None:
    with pytest.raises(ConfigError, match=r"\(1, 3\)"):
        to_rows([np.zeros((1, 3), np.float32)], SIZE, SIZE)


@given(st.lists(st.lists(st.floats(width=32), min_size=6, max_size=6), max_size=30))
def test_any_numbers_become_legal_rows(values: list[list[float]]) -> None:
    check(to_rows([f32(values).reshape(-1, 6)], SIZE, SIZE))


class OneObject:
    """Sees one object in the left half of each tensor."""

    width = height = SIZE

    def __init__(self) -> None:
        self.tensors: list[Any] = []

    def detect(self, tensor: Any) -> Rows:
        self.tensors.append(tensor)
        rows: Rows = np.zeros((MAX_ROWS, 6), np.float32)
        rows[0] = [1, 0.8, 0.0, 0.0, 1.0, 0.5]
        rows[1] = [0, 0.3, 0.0, 0.0, 1.0, 1.0]
        return rows


def test_a_model_looks_at_squares_around_the_regions_in_rgb() -> None:
    detector = OneObject()
    image = np.zeros((720, 1280, 3), np.uint8)
    image[:, :, 0] = 200  # blue
    found = ModelFinder(detector, {1: "dog"}, 0.5).find(image, [(0.5, 0.5, 0.55, 0.6)])
    assert [tensor.shape for tensor in detector.tensors] == [(1, SIZE, SIZE, 3)]
    assert detector.tensors[0][0, 0, 0].tolist() == [0, 0, 200]
    assert [(one.label, round(one.score, 2)) for one in found] == [("dog", 0.8)]
    left, top, right, bottom = found[0].box
    assert (right - left) * 1280 == pytest.approx(SIZE / 2, abs=1)
    assert (bottom - top) * 720 == pytest.approx(SIZE, abs=1)


def test_regions_at_the_edges_stay_in_the_image() -> None:
    image = np.zeros((100, 150, 3), np.uint8)
    finder = ModelFinder(OneObject(), {}, 0.5)
    for one in finder.find(image, [(0.9, 0.9, 1.0, 1.0), (0.0, 0.0, 1.0, 1.0)]) + finder.find_anywhere(image):
        assert one.label == "class_1"
        assert 0 <= one.box[0] < one.box[2] <= 1
        assert 0 <= one.box[1] < one.box[3] <= 1


def test_labels_are_read_with_and_without_numbers(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("person\nbicycle\ntraffic light\n")
    (tmp_path / "numbered").write_text("0 person\n1  bicycle\n9  traffic light\n")
    assert read_labels(tmp_path / "plain")[1] == "bicycle"
    assert read_labels(tmp_path / "numbered") == {0: "person", 1: "bicycle", 9: "traffic_light"}
    with pytest.raises(ConfigError):
        read_labels(tmp_path / "absent")


def write_model(path: Path, shape: Sequence[int], *, floats: bool) -> None:
    """Write an ONNX model with random weights: 20 rows, scores and boxes by a sigmoid of a few pixels."""
    model = pytest.importorskip("onnx", reason="pip install onnx")
    helper, kinds = model.helper, model.TensorProto
    draw = np.random.default_rng(3)
    pixels = int(np.prod(shape))
    weights = draw.normal(0, 0.01, (pixels, MAX_ROWS * 6)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["image"], ["floats"], to=kinds.FLOAT),
        helper.make_node("Reshape", ["floats", "flat"], ["pixels"]),
        helper.make_node("MatMul", ["pixels", "weights"], ["sums"]),
        helper.make_node("Sigmoid", ["sums"], ["rates"]),
        helper.make_node("Reshape", ["rates", "rows"], ["found"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", kinds.FLOAT if floats else kinds.UINT8, shape)],
        [helper.make_tensor_value_info("found", kinds.FLOAT, [MAX_ROWS, 6])],
        [
            model.numpy_helper.from_array(weights, "weights"),
            model.numpy_helper.from_array(np.array([1, pixels]), "flat"),
            model.numpy_helper.from_array(np.array([MAX_ROWS, 6]), "rows"),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(made.SerializeToString())


@pytest.mark.parametrize(
    ("shape", "floats"), [((1, 32, 48, 3), False), ((1, 3, 32, 48), True)], ids=["NHWC bytes", "NCHW floats"]
)
def test_an_onnx_model_answers_in_frigates_layout(tmp_path: Path, shape: Sequence[int], floats: bool) -> None:
    pytest.importorskip("onnxruntime", reason="pip install onnxruntime")
    write_model(tmp_path / "tiny.onnx", shape, floats=floats)
    detector = onnx.load(onnx.Settings(tmp_path / "tiny.onnx"))
    assert (detector.width, detector.height) == (48, 32)
    check(detector.detect(np.full((1, 32, 48, 3), 128, np.uint8)))


def test_a_detector_is_loaded_by_its_name(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="pip install onnxruntime")
    write_model(tmp_path / "tiny.onnx", (1, 32, 32, 3), floats=False)
    settings: Any = EdgeSettings(detector="onnx")
    finder = children.load_finder(replace(settings, onnx=onnx.Settings(tmp_path / "tiny.onnx")))
    assert isinstance(finder, ModelFinder)
    finder.find_anywhere(np.zeros((64, 64, 3), np.uint8))


def test_detectors_are_found_by_their_files() -> None:
    assert detectors.names == ("onnx", "tflite")


@pytest.mark.parametrize("name", ["onnx", "tflite"])
def test_a_model_that_is_not_there_or_broken_is_named(name: str, tmp_path: Path) -> None:
    module = {"onnx": onnx, "tflite": tflite}[name]
    with pytest.raises(ConfigError, match=f"--vision.edge.{name}.model"):
        module.load(module.Settings())
    if name == "onnx":
        pytest.importorskip("onnxruntime", reason="pip install onnxruntime")
        (tmp_path / "broken").write_bytes(b"no model")
        with pytest.raises(ConfigError, match="broken"):
            onnx.load(onnx.Settings(tmp_path / "broken"))


class FakeInterpreter:
    """Behaves as LiteRT's interpreter with a quantised SSD model."""

    def __init__(self, dtype: Any) -> None:
        self._dtype = dtype
        self.given: Any = None
        self._outputs = [f32([[[0.1, 0.2, 0.3, 0.4]]]), f32([[0]]), np.array([[200]], np.uint8), f32([1])]

    def allocate_tensors(self) -> None: ...

    def get_input_details(self) -> Sequence[Mapping[str, Any]]:
        return [{"index": 0, "shape": np.array([1, 30, 40, 3]), "dtype": self._dtype}]

    def get_output_details(self) -> Sequence[Mapping[str, Any]]:
        plain = {"quantization": (0.0, 0)}
        return [
            {"index": 0, **plain},
            {"index": 1, **plain},
            {"index": 2, "quantization": (1 / 250, 0)},
            {"index": 3, **plain},
        ]

    def set_tensor(self, index: int, value: Any) -> None:
        self.given = value

    def get_tensor(self, index: int) -> Any:
        return self._outputs[index]

    def invoke(self) -> None: ...


@pytest.mark.parametrize(
    ("dtype", "white"), [(np.uint8, 255), (np.int8, 127), (np.float32, 1.0)], ids=["bytes", "signed", "floats"]
)
def test_a_tflite_model_gets_its_type_and_answers_in_frigates_layout(dtype: Any, white: float) -> None:
    interpreter = FakeInterpreter(dtype)
    detector = TfliteDetector(interpreter)
    assert (detector.width, detector.height) == (40, 30)
    rows = detector.detect(np.full((1, 30, 40, 3), 255, np.uint8))
    check(rows)
    assert interpreter.given.dtype == dtype
    assert interpreter.given.max() == white
    assert rows[0].tolist() == pytest.approx([0, 0.8, 0.1, 0.2, 0.3, 0.4])
