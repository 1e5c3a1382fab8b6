import numpy as np
import torch
from sklearn.datasets import load_digits as load_sklearn_digits

from reslab.data.config import DATASET_SHAPES
from reslab.data.load import load_dataset


def test_the_digits_are_scikit_learns() -> None:
    dataset = load_dataset("digits")
    ours = torch.cat([dataset.train.images, dataset.test.images]).flatten(1).numpy()
    theirs = np.rint(load_sklearn_digits().data * 255 / 16).astype(np.uint8)
    assert sorted(map(bytes, ours)) == sorted(map(bytes, theirs))


def test_train_and_test_are_apart_and_balanced() -> None:
    dataset = load_dataset("digits")
    train = {bytes(image) for image in dataset.train.images.flatten(1).numpy()}
    test = {bytes(image) for image in dataset.test.images.flatten(1).numpy()}
    assert not train & test
    counts = dataset.test.labels.bincount()
    assert int(counts.max()) - int(counts.min()) <= 2


def test_the_shape_is_the_one_announced() -> None:
    dataset, shape = load_dataset("digits"), DATASET_SHAPES["digits"]
    assert dataset.image_shape == (shape.channels, shape.image_size, shape.image_size)
    assert len(dataset.class_names) == shape.num_classes
    assert (len(dataset.train), len(dataset.test)) == (shape.train_count, shape.test_count)
