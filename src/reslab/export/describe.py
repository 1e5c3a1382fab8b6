"""From a classifier to the description that its exported file carries."""

from reslab.export.description import Description, Normalisation, Precision
from reslab.files.documents import to_document
from reslab.networks.classifier import Classifier


def describe_classifier(
    classifier: Classifier, precision: Precision, *, preprocessing_inside: bool
) -> Description:
    """Everything needed to use the exported file without the weights file."""
    return Description(
        precision=precision,
        network=classifier.network.config,
        geometry=classifier.preprocessing.geometry,
        class_names=classifier.class_names,
        normalisation=None if preprocessing_inside else _normalisation(classifier),
        provenance=to_document(classifier.provenance),
    )


def _normalisation(classifier: Classifier) -> Normalisation:
    mean, std = classifier.preprocessing.mean.cpu(), classifier.preprocessing.std.cpu()
    return Normalisation(
        mean=tuple(mean.flatten().tolist()),
        mean_shape=tuple(mean.shape),
        std=tuple(std.flatten().tolist()),
    )
