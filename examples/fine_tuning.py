# %% [markdown]
# # Fine-tuning on a folder of pictures
# A network that has learnt seven digits is given ten pictures of each of the other three: a new
# head and a tenth of the learning rate. The pictures are made from the embedded digits; yours lie
# in a folder with one folder for each class, in `train` and `val` or together. One seed of a tiny
# net: the numbers show the way, not how much fine-tuning gains.

# %%
from pathlib import Path

import torch
from PIL import Image

import reslab
from reslab.data.load import load_dataset
from reslab.data.windows import RandomResizedCrop

PICTURES = Path("out", "pictures")


def save_pictures() -> None:
    """Write the digits as JPEG files: of seven all, of three ten each to train on."""
    train = load_dataset("digits").train
    seen = dict.fromkeys(range(10), 0)
    for image, label in zip(train.images, train.labels.tolist(), strict=True):
        seen[label] += 1
        part = "val" if (seen[label] <= 20 if label < 7 else seen[label] > 10) else "train"
        folder = PICTURES / ("seven" if label < 7 else "three") / part / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(image[0].numpy()).resize((32, 32)).convert("RGB")
        picture.save(folder / f"{seen[label]}.jpg")


save_pictures()

# %% [markdown]
# ## From random weights
# The paper's recipe for photographs (§3.4) at the size of these pictures, with windows that show
# most of a digit, on seven digits and on the few pictures of the other three.

# %%
execution = reslab.ExecutionConfig(device="cpu", workers=0)
WINDOW = RandomResizedCrop(size=16, area=(0.6, 1.0))


def train_anew(classes: str, steps: int) -> Path:
    """Train from random weights, and print the error on the pictures held out."""
    changes = {"batch_size": 32, "colour_shift": 0.0, "view": WINDOW}
    options = reslab.ImageRunOptions(steps=steps, width=8, image_size=16, recipe_changes=changes)
    run = reslab.plan_image_run("resnet8", PICTURES / classes, options, execution=execution)
    out = Path("out", classes)
    result = reslab.train(run, out, resume=True)
    print(f"{classes} digits, random weights: validation error {result.validation_error_pct:.1f} %")
    return out / "weights.safetensors"


weights = train_anew("seven", steps=200)
train_anew("three", steps=60)

# %% [markdown]
# ## From trained weights
# Weights given, the recipe is the one for fine-tuning.

# %%
options = reslab.ImageRunOptions(weights=weights, steps=60, recipe_changes={"batch_size": 32})
run = reslab.plan_image_run("resnet8", PICTURES / "three", options, execution=execution)
result = reslab.train(run, Path("out", "fine-tuned"), resume=True)
print(f"three digits, fine-tuned: validation error {result.validation_error_pct:.1f} %")

# %% [markdown]
# What was trained is one file that knows its classes.

# %%
classifier = reslab.load(Path("out", "fine-tuned", "weights.safetensors"))
print(classifier.class_names, classifier(torch.zeros(1, 3, 16, 16)).shape)
