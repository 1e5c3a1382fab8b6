import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from reslab.analysis.signals import measure_signals, measure_trained_signals, read_signals
from reslab.analysis.subject import take_images
from reslab.data.config import DataConfig
from reslab.data.dataset import LabelledImages
from reslab.data.load import divide, load_dataset
from reslab.networks.classifier import Classifier
from reslab.training.images import HeldImages
from reslab.training.plan import plan_network, plan_run
from reslab.training.session import TrainingSession
from tests.analysis.conftest import SmallSubject, first_images, small_classifier

DATA = DataConfig(name="digits")
CONFIG = plan_run(plan_network("plain8", DATA, width=4), DATA, steps=4)
CPU = torch.device("cpu")


def norm_of(classifier: Classifier, name: str) -> torch.nn.BatchNorm2d:
    norm = classifier.network.get_submodule(name)
    assert isinstance(norm, torch.nn.BatchNorm2d)
    return norm


def last_responses(classifier: Classifier, data: LabelledImages) -> tuple[np.ndarray, np.ndarray]:
    """Responses of the last layer in training mode, and the logits."""
    with torch.no_grad():
        inputs = classifier.preprocessing(data.images)
        logits, responses = classifier.network(inputs, return_responses=True)
    return list(responses.values())[-1].double().numpy(), logits.double().numpy()


def test_the_last_layer_s_gradient_is_that_of_the_formula(plain: SmallSubject) -> None:
    # dL/dy of max(y, 0), mean over places, linear layer, softmax and cross-entropy, by hand.
    data = first_images(plain, 40)
    found = read_signals(plain.classifier, data)
    y, logits = last_responses(plain.classifier.train(), data)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    errors = p - np.eye(10)[data.labels.numpy()]
    weight = plain.classifier.network.fc.weight.detach().double().numpy()
    gradient = (errors @ weight)[:, :, None, None] / y[0, 0].size * (y > 0)
    assert found["backward"][-1] == pytest.approx(math.sqrt((gradient**2).mean()), rel=1e-4)
    assert found["forward"][-1] == pytest.approx(math.sqrt(y.var(axis=0).mean()), rel=1e-4)


@pytest.mark.parametrize("name", ["layer1.0.bn1", "layer2.1.bn2"])
def test_growing_a_layer_of_a_plain_net_shrinks_its_gradient_alone(name: str) -> None:
    # The next BN takes the factor out again; in double precision ε alone is left.
    subject = SmallSubject(small_classifier("plain14"))
    data = first_images(subject, 60)
    before = read_signals(subject.classifier, data)
    norm = norm_of(subject.classifier, name)
    norm.weight.data *= 8
    norm.bias.data *= 8
    after = read_signals(subject.classifier, data)
    i = before["layers"].index(name)
    expected = {key: np.array(before[key]) for key in ("forward", "backward")}
    expected["forward"][i] *= 8
    expected["backward"][i] /= 8
    for key, values in expected.items():
        np.testing.assert_allclose(after[key], values, rtol=2e-3)


def test_what_is_the_same_for_every_image_is_no_signal(plain: SmallSubject) -> None:
    data = first_images(plain, 30)
    norm_of(plain.classifier, "layer1.0.bn1").weight.data.zero_()
    found = read_signals(plain.classifier, data)
    at = found["layers"].index("layer1.0.bn1")
    assert found["forward"][at] == 0
    assert found["forward"][at - 1] > 0


def test_gradients_are_those_that_backward_leaves(residual: SmallSubject) -> None:
    data = first_images(residual, 20)
    found = read_signals(residual.classifier, data)
    classifier = residual.classifier.train()
    kept: dict[str, torch.Tensor] = {}

    def keep(name: str) -> Callable[[torch.nn.Module, object, torch.Tensor], torch.Tensor]:
        def hook(_module: torch.nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
            kept[name] = output
            output.retain_grad()
            return output.clone()  # a ReLU in place must not reach what is kept

        return hook

    for name in found["layers"]:
        norm_of(classifier, name).register_forward_hook(keep(name))
    logits = classifier.network(classifier.preprocessing(data.images))
    loss = torch.nn.functional.cross_entropy(logits, data.labels, reduction="sum")
    torch.autograd.backward(loss)
    gradients = [kept[name].grad for name in found["layers"]]
    expected = [float(g.square().mean().sqrt()) for g in gradients if g is not None]
    np.testing.assert_allclose(found["backward"], expected, rtol=1e-4)


def test_the_classifier_is_left_as_it_was(residual: SmallSubject) -> None:
    before = {name: t.clone() for name, t in residual.classifier.state_dict().items()}
    read_signals(residual.classifier, first_images(residual, 20))
    after = residual.classifier.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not residual.classifier.training


def test_a_run_is_followed_to_each_moment_as_it_trains() -> None:
    subject = SmallSubject(small_classifier("plain8"), config=CONFIG)
    values = measure_signals(subject, at_steps=(0, 2), images=64)
    assert [moment["step"] for moment in values["moments"]] == [0, 2]
    assert (values["family"], values["depth"], values["images"]) == ("plain", 8, 64)
    parts = divide(load_dataset("digits"), DATA)
    session = TrainingSession(CONFIG, HeldImages(parts, CONFIG.recipe), CPU)
    data = take_images(parts.train, 64, CPU)
    for moment in values["moments"]:
        while session.step < moment["step"]:
            session.advance()
        expected = read_signals(session.classifier, data)
        assert moment["loss"] == pytest.approx(expected["loss"], rel=1e-4)
        np.testing.assert_allclose(moment["backward"], expected["backward"], rtol=1e-3)


def test_a_run_that_diverges_is_followed_until_it_does() -> None:
    recipe = replace(CONFIG.recipe, learning_rate=1e30, warm_up=None)
    subject = SmallSubject(small_classifier("plain8"), config=replace(CONFIG, recipe=recipe))
    values = measure_signals(subject, at_steps=(0, 1, 2, 3), images=32)
    assert values["moments"][0]["step"] == 0
    assert len(values["moments"]) < 4
    assert all(math.isfinite(moment["loss"]) for moment in values["moments"])


def test_a_given_net_has_one_moment_without_a_step(residual: SmallSubject) -> None:
    values = measure_trained_signals(residual, images=30)
    (moment,) = values["moments"]
    data = take_images(residual.dataset.train, 30, CPU)
    assert moment == {"step": None, **read_signals(residual.classifier, data)}
    assert (values["family"], values["depth"]) == ("residual", 14)
