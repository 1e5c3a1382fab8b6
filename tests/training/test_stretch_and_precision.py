import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reslab.data.augment import random_crop, random_flip
from reslab.data.batches import BatchOrder
from reslab.data.load import load_dataset
from reslab.data.seeds import derive_seed
from reslab.errors import ConfigError
from reslab.files.documents import digest_document
from reslab.training.opening import hold_images
from reslab.training.precision import check_precision, float32_products
from reslab.training.recipe import Recipe, WarmUp
from reslab.training.run_config import ADDED_TO_RECIPE, ADDED_TO_RUN, run_config_from
from reslab.training.schedule import Progress, learning_rate_at
from reslab.training.session import TrainingSession
from reslab.training.stretch import MAX_STEPS, Stretch
from tests.training.conftest import MakeConfig

CPU = torch.device("cpu")


@given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 60), st.booleans(), st.integers(0, 2))
def test_a_stretch_holds_what_each_step_would_draw_itself(
    count: int, log_every: int, start: int, flip: bool, padding: int
) -> None:
    recipe = Recipe(
        steps=100, batch_size=7, milestones=(5, 30), warm_up=WarmUp(until_train_error_pct=50),
        log_every_steps=log_every, crop_padding=padding, flip=flip,
    )  # fmt: skip
    alone = BatchOrder(50, 7, seed=3)
    stretch = Stretch(recipe, BatchOrder(50, 7, seed=3), CPU)
    for step in range(start, start + count):
        if step not in stretch.steps:
            # Warmed up from the first record after step 20 on.
            stretch.load(step, Progress(warmed_up=step > 20))
            stretch.draw_ahead()
        progress = Progress(warmed_up=stretch.steps.start > 20)
        draws, rate = stretch.read()
        stretch.position += 1
        generator = torch.Generator().manual_seed(derive_seed(3, "augment", step))
        assert torch.equal(draws.indices, alone.indices(step))
        if padding:
            places = torch.randint(0, 2 * padding + 1, (2, 7), generator=generator)
            assert torch.equal(draws.places, places)
        if flip:
            assert torch.equal(draws.flips, torch.rand(7, generator=generator) < 0.5)
        assert float(rate) == pytest.approx(learning_rate_at(recipe, step, progress))
        # No log record, which may end the warm-up, lies within a stretch.
        records = range(log_every, 200, log_every)
        assert not set(records) & set(stretch.steps[1:])


def test_a_stretch_takes_little_room_however_rare_the_records() -> None:
    recipe = Recipe(steps=10**6, log_every_steps=10**6, batch_size=2)
    stretch = Stretch(recipe, BatchOrder(50, 2, seed=0), CPU)
    stretch.load(0, Progress(warmed_up=True))
    assert len(stretch.steps) == MAX_STEPS


def test_a_session_sees_the_images_as_the_augmentations_make_them(make_config: MakeConfig) -> None:
    config = make_config(flip=True)
    held = hold_images(config, load_dataset("digits"), CPU)
    session = TrainingSession(config, held, CPU)
    batches = []
    session.classifier.network.register_forward_pre_hook(
        lambda _module, inputs: batches.append(inputs[0].clone())
    )
    for _ in range(3):
        session.advance()
    for step, batch in enumerate(batches):
        generator = torch.Generator().manual_seed(derive_seed(config.seed, "augment", step))
        images = held.parts.train.images[session.order.indices(step)]
        images = random_crop(session.classifier.preprocessing(images), 1, generator)
        assert torch.equal(batch, random_flip(images, generator))


def test_runs_from_before_there_was_a_choice_keep_their_digest(make_config: MakeConfig) -> None:
    config = make_config()
    document = config.to_document()
    for name in ADDED_TO_RECIPE:
        del document["recipe"][name]
    for name in ADDED_TO_RUN:
        del document[name]
    del document["execution"]["capture"]
    stored = run_config_from(document, "config.json")
    assert stored == config
    del document["execution"]
    assert config.digest == stored.digest == digest_document(document)
    digests = {
        make_config(precision=precision).digest for precision in ("float32", "tf32", "bfloat16")
    }
    assert len(digests) == 3


def test_tf32_is_refused_where_there_is_none() -> None:
    with pytest.raises(ConfigError, match="--precision float32"):
        check_precision("tf32", CPU)
    check_precision("tf32", torch.device("cuda"))
    check_precision("bfloat16", CPU)


@pytest.mark.parametrize(("precision", "rounds"), [("float32", False), ("tf32", True)])
def test_a_gpu_rounds_products_only_where_asked(precision: str, rounds: bool) -> None:
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    with float32_products(precision, torch.device("cuda")):  # type: ignore[arg-type]
        assert (matmul.allow_tf32, cudnn.allow_tf32) == (rounds, rounds)
    assert (matmul.allow_tf32, cudnn.allow_tf32) == before
    with float32_products(precision, CPU):  # type: ignore[arg-type]
        assert (matmul.allow_tf32, cudnn.allow_tf32) == before
