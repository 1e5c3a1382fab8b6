import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reslab.errors import ExportError
from reslab.export.describe import describe_classifier
from reslab.export.description import METADATA_KEY, decode_description, encode_description
from tests.export.making import build_classifier, draw_images

PATH = Path("some.onnx")
CLASSIFIER = build_classifier("resnet8 grey")
DESCRIPTION = describe_classifier(CLASSIFIER, "fp32", preprocessing_inside=False)
DOCUMENT = json.loads(encode_description(DESCRIPTION))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def _decode(text: str) -> Any:
    return decode_description({METADATA_KEY: text}, PATH)


def test_round_trip() -> None:
    assert _decode(encode_description(DESCRIPTION)) == DESCRIPTION


def test_normalisation_is_the_classifiers_own() -> None:
    images = draw_images(CLASSIFIER, 2)
    expected = CLASSIFIER.preprocessing(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(DESCRIPTION.prepare(images), expected, rtol=1e-6, atol=1e-6)


@given(st.text())
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(ExportError, match=r"some\.onnx"):
        _decode(text)


@given(st.sampled_from(sorted(DOCUMENT)), json_values)
def test_any_value_in_any_place_is_refused_or_read(key: str, value: Any) -> None:
    with suppress(ExportError):
        _decode(json.dumps({**DOCUMENT, key: value}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "reslab artefact 2"}, "reslab artefact 2"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"precision": "int4"}, "int4"),
        ({"normalisation": {"mean": [0.5], "mean_shape": [1, 2, 1], "std": [1.0]}}, "shape"),
        ({"normalisation": {"mean": [0.5] * 3, "mean_shape": [3, 1, 1], "std": [1.0] * 3}}, "chan"),
    ],
)
def test_contradictions_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ExportError, match=message):
        _decode(json.dumps({**DOCUMENT, **change}))


def test_a_file_without_description_names_the_remedy() -> None:
    with pytest.raises(ExportError, match="reslab export"):
        decode_description({}, PATH)
