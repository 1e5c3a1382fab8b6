"""In what a setting differs from the paper's experiments on CIFAR-10 (§4.2)."""

from reslab.data.config import DATASET_SHAPES
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.training.recipe import PAPER_STEPS


def list_common_deviations(setting: StudySetting, runs: list[PlannedRun]) -> list[str]:
    """In what data, width, length and augmentation are not the paper's."""
    deviations = []
    shape = DATASET_SHAPES[setting.data]
    if setting.data == "digits":
        deviations.append(
            f"{shape.train_count:,} grey images of 8×8 pixels to train on and {shape.test_count} "
            "to test, instead of CIFAR-10's 50,000 and 10,000 colour images of 32×32; the three "
            "stages work on maps of 8×8, 4×4 and 2×2."
        )
    if setting.data == "cifar100":
        deviations.append("CIFAR-100 instead of CIFAR-10.")
    if not runs:
        return deviations
    recipe = runs[0].config.recipe
    if setting.width not in (None, 16):
        deviations.append(f"{setting.width} filters in the first stage instead of 16.")
    if setting.steps != PAPER_STEPS:
        deviations.append(
            f"{setting.steps:,} steps instead of 64,000, the milestones in proportion "
            f"({' and '.join(f'{m:,}' for m in recipe.milestones)})."
        )
    if not recipe.crop_padding:
        deviations.append("No random crop, so each image is seen the same at every epoch.")
    if not recipe.flip:
        deviations.append("No mirroring, which would turn a digit into another sign.")
    return deviations


def reproduce_command(study: str, setting: StudySetting) -> str:
    """The command that makes a study again."""
    data = setting.data if setting.data == "digits" else f"{setting.data} --data-root DIR"
    words = [f"reslab study {study} --data {data} --steps {setting.steps}"]
    if setting.budget is not None:
        words = [f"reslab study {study} --data {data} --budget {setting.budget}"]
    if setting.depths:
        words.append(f"--depths {','.join(map(str, setting.depths))}")
    words.append(f"--seeds {setting.seeds}")
    if setting.width is not None:
        words.append(f"--width {setting.width}")
    if setting.weights:
        words.append(f"--weights {','.join(setting.weights)}")
    return " ".join(words)
