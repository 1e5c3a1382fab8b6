"""Batch normalisation folded into the convolutions before it."""

import copy
from collections import Counter

from torch import fx, nn
from torch.fx.proxy import TraceError
from torch.nn.utils.fusion import fuse_conv_bn_eval

from reslab.networks.classifier import Classifier
from reslab.networks.resnet import ResNet


def fold_classifier(classifier: Classifier) -> Classifier:
    """A copy of a classifier, in evaluation mode, whose network has its BN folded."""
    folded = Classifier(
        fold_batch_norm(classifier.network),
        classifier.preprocessing,
        classifier.class_names,
        classifier.provenance,
    )
    return folded.eval()


def fold_batch_norm(network: ResNet) -> ResNet:
    """A copy of a network in which each BN directly behind a convolution has become part of it.

    With W' = γ/√(σ²+ε) · W and b' = β − γμ/√(σ²+ε) the convolution gives what BN gave. Which BN
    follows which convolution is read from the computation itself; what cannot be traced, is used
    more than once, or reads a convolution that something else reads too, stays as it is.
    """
    folded = copy.deepcopy(network).eval()
    for conv_name, bn_name in _find_pairs(folded):
        conv, bn = folded.get_submodule(conv_name), folded.get_submodule(bn_name)
        if isinstance(conv, nn.Conv2d) and isinstance(bn, nn.BatchNorm2d):
            folded.set_submodule(conv_name, fuse_conv_bn_eval(conv, bn))
            folded.set_submodule(bn_name, nn.Identity())
    return folded


def _find_pairs(network: ResNet) -> list[tuple[str, str]]:
    """Names of modules of which the second alone reads the first."""
    try:
        graph = fx.Tracer().trace(network, concrete_args={"return_responses": False})
    except TraceError:
        return []
    calls = graph.find_nodes(op="call_module")
    count = Counter(str(node.target) for node in calls)
    pairs = []
    for node in calls:
        before = node.all_input_nodes[0]
        names = (str(before.target), str(node.target))
        if len(before.users) == 1 and all(count[name] == 1 for name in names):
            pairs.append(names)
    return pairs
