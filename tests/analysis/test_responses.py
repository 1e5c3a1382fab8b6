import numpy as np
import pytest
import torch

from reslab.analysis.responses import compute_response_std, measure_responses, name_3x3_responses
from reslab.errors import ConfigError
from tests.analysis.conftest import SmallSubject, first_images, small_classifier


def test_the_deviation_is_that_of_all_numbers_at_once(residual: SmallSubject) -> None:
    classifier, data = residual.classifier, first_images(residual, 300)
    found = compute_response_std(classifier, data)
    with torch.inference_mode():
        inputs = classifier.preprocessing(data.images)
        _, responses = classifier.network(inputs, return_responses=True)
    for name, deviation in found.items():
        np.testing.assert_allclose(deviation, responses[name].double().std(correction=0), rtol=1e-5)


def test_every_3x3_layer_is_measured_and_no_other(residual: SmallSubject) -> None:
    names = name_3x3_responses(residual.classifier)
    assert names[:3] == ["bn1", "layer1.0.bn1", "layer1.0.bn2"]
    assert len(names) == 13


def test_a_measurement_says_what_it_was_made_on(plain: SmallSubject) -> None:
    values = measure_responses(plain, images=50)
    assert (values["family"], values["depth"], values["images"]) == ("plain", 14, 50)
    assert len(values["std"]) == len(values["layers"]) == 13


def test_a_net_that_activates_first_is_refused() -> None:
    with pytest.raises(ConfigError, match="BN before its convolutions"):
        name_3x3_responses(small_classifier("preresnet14"))
