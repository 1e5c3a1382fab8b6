"""The constructed solution: a deeper net that starts as a trained shallower one (§1, §3.1)."""

from typing import Any

import torch

from reslab.analysis.subject import Subject, take_images
from reslab.evaluation.accuracy import compute_accuracy
from reslab.networks.deepen import deepen, find_added_blocks, settle_identities
from reslab.training.opening import hold_images
from reslab.training.run_config import RunConfig
from reslab.training.session import TrainingSession
from reslab.training.start import own_state

EVALUATED = 5_000
STATISTICS_IMAGES = 500


def measure_constructed(subject: Subject, *, deeper: RunConfig) -> dict[str, Any]:
    """Construct a deeper net from a trained one, compare the two, and train the deeper one on.

    Args:
        subject: the trained shallower net.
        deeper: the run that trains the deeper net from random weights; its recipe is followed.

    Returns:
        Training errors in percent, of at most 5,000 training images: `shallow_error_pct`,
        `constructed_error_pct`, `settled_error_pct` (with BN statistics of real data),
        `trained_error_pct` (after `steps` more), and `largest_difference` of a logit between the
        shallow and the constructed net, beside the `largest_logit`.
    """
    shallow = subject.classifier
    data = take_images(subject.dataset.train, EVALUATED, subject.device)
    network = deepen(shallow.network, deeper.network.blocks_per_stage, deeper.network.name).eval()
    with torch.inference_mode():
        inputs = shallow.preprocessing(data.images[:STATISTICS_IMAGES])
        logits = shallow.network(inputs)
        difference = (network(inputs) - logits).abs().max()

    def error_pct(net: torch.nn.Module) -> float:
        return compute_accuracy(lambda x: net(shallow.preprocessing(x)), data).error_pct

    values = {
        "shallow_error_pct": error_pct(shallow.network),
        "constructed_error_pct": error_pct(network),
        "largest_difference": float(difference),
        "largest_logit": float(logits.abs().max()),
    }
    added = [name for name, _ in find_added_blocks(shallow.network, network)]
    settle_identities(network, added, inputs.clone())
    values["settled_error_pct"] = error_pct(network)
    with own_state(deeper):
        held = hold_images(deeper, subject.dataset, subject.device)
        session = TrainingSession(deeper, held, subject.device)
        session.classifier.network.load_state_dict(network.state_dict())
        for _ in range(deeper.recipe.steps):
            session.advance()
        session.classifier.eval()
        values["trained_error_pct"] = error_pct(session.classifier.network)
    return {**values, "steps": deeper.recipe.steps, "images": len(data)}
