"""Sharing a classifier on the Hugging Face Hub, as one reslab file with a model card.

Needs the extra `reslab[hub]`; nothing else in reslab imports this module.
"""

from pathlib import Path
from typing import Any

from reslab.errors import ConfigError, WeightsError
from reslab.files.documents import to_document, write_json
from reslab.networks.classifier import Classifier
from reslab.networks.weights import load, save

try:
    from huggingface_hub import ModelHubMixin, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError
except ImportError as error:
    raise ConfigError(
        "sharing through the Hugging Face Hub needs the package huggingface_hub: "
        "pip install 'reslab[hub]'"
    ) from error

WEIGHTS_NAME = "model.safetensors"
_CARD = """---
{{ card_data }}
---

# {{ network }}

{{ source }}. {{ num_classes }} classes.

```python
from reslab.networks.hub import from_pretrained

classifier = from_pretrained("<this repository>")
logits = classifier(images)  # images [B, C, H, W] of 0 to 255; preprocessing is inside
```

The file `model.safetensors` carries the architecture, preprocessing and class names, and a digest.
Paper: {{ paper_url }}
"""


class SharedClassifier(
    ModelHubMixin,
    library_name="reslab",
    tags=["resnet"],
    pipeline_tag="image-classification",
    paper_url="https://arxiv.org/abs/1512.03385",
    model_card_template=_CARD,
):
    """A classifier with huggingface_hub's `save_pretrained`, `push_to_hub` and `from_pretrained`.

    Args:
        classifier: what is shared.
    """

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier

    def generate_model_card(self, *args: Any, **kwargs: Any) -> Any:
        """The model card, filled with what the classifier says of itself."""
        facts = {
            "network": self.classifier.network.config.name,
            "num_classes": len(self.classifier.class_names),
            "source": self.classifier.provenance.source,
        }
        return super().generate_model_card(*args, **{**facts, **kwargs})

    def _save_pretrained(self, save_directory: Path) -> None:
        save(self.classifier, save_directory / WEIGHTS_NAME)
        # For people and for the Hub, which counts downloads by it; loading reads the file alone.
        write_json(save_directory / "config.json", to_document(self.classifier.network.config))

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **download: Any) -> "SharedClassifier":
        if Path(model_id).is_dir():
            return cls(load(Path(model_id) / WEIGHTS_NAME))
        return cls(load(hf_hub_download(model_id, WEIGHTS_NAME, **download)))


def push_to_hub(classifier: Classifier, repo_id: str, **options: Any) -> str:
    """Upload a classifier with a model card.

    Args:
        classifier: what is shared.
        repo_id: `user/name` on the Hub.
        options: of huggingface_hub's `push_to_hub`, such as `private` or `commit_message`.

    Returns:
        The address of the commit.
    """
    return SharedClassifier(classifier).push_to_hub(repo_id, **options)


def save_pretrained(classifier: Classifier, folder: Path | str) -> None:
    """Write what `push_to_hub` uploads to a local folder."""
    SharedClassifier(classifier).save_pretrained(folder)


def from_pretrained(name: Path | str, **options: Any) -> Classifier:
    """Load a shared classifier.

    Args:
        name: `user/name` on the Hub, or a local folder.
        options: of huggingface_hub's `from_pretrained`, such as `revision` or `local_files_only`.

    Raises:
        WeightsError: if there is none, it cannot be reached, or its file is damaged.
    """
    try:
        return SharedClassifier.from_pretrained(name, **options).classifier
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise WeightsError(f"cannot get a classifier from {str(name)!r}: {error}") from error
