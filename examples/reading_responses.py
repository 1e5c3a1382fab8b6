# %% [markdown]
# # Reading responses
# The paper reads off how strongly each layer responds (Fig. 7): the standard deviation of what
# leaves a layer after batch normalisation and before the non-linearity. Every network of reslab
# gives these out by name, so looking inside is a dictionary look-up.

# %%
import os
from pathlib import Path

import torch

import reslab
from reslab.analysis.responses import compute_response_std
from reslab.data.load import load_dataset

STEPS = 10 if "RESLAB_SMOKE" in os.environ else 336
data = reslab.DataConfig(name="digits")
images = load_dataset("digits").test


# %% [markdown]
# Two nets that differ in their shortcuts alone.


# %%
def train_one(name: str) -> reslab.Classifier:
    """Train a net on the digits, or take it from an earlier call."""
    folder = Path("out") / name
    run = reslab.plan_run(reslab.plan_network(name, data, width=8), data, steps=STEPS)
    reslab.train(run, folder, resume=True)
    return reslab.load(folder / "weights.safetensors").eval()


# %% [markdown]
# Any response by its name: here what F adds to x in the first block of the second stage, for 16
# digits.

# %%
classifiers = {name: train_one(name) for name in ("plain20", "resnet20")}
for name, classifier in classifiers.items():
    inputs = classifier.preprocessing(images.images[:16])
    with torch.inference_mode():
        logits, responses = classifier.network(inputs, return_responses=True)
    shape = tuple(responses["layer2.0.bn2"].shape)
    print(f"{name}: {len(responses)} responses; layer2.0.bn2 is {shape}")

# %% [markdown]
# And the quantity of Fig. 7, over all test images.

# %%
print(f"\n{'layer':<18}{'plain20':>9}{'resnet20':>10}")
deviations = [compute_response_std(c, images) for c in classifiers.values()]
for layer in deviations[0]:
    print(f"{layer:<18}{deviations[0][layer]:9.3f}{deviations[1][layer]:10.3f}")
