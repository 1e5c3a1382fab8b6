# %% [markdown]
# # Exporting
# A trained network as ONNX, as INT8 ONNX and as a `torch.export` program. Each file is run on real
# images beside the original before it is kept. Needs `pip install 'reslab[export]'`.

# %%
import os
from dataclasses import replace
from pathlib import Path

import reslab
from reslab.export.export import ExportOptions, export_classifier
from reslab.export.runtimes import open_runtime
from reslab.export.samples import take_dataset

STEPS = 60 if "RESLAB_SMOKE" in os.environ else 336
FOLDER = Path("out/exporting")

# %% [markdown]
# Something to export.

# %%
data = reslab.DataConfig(name="digits")
run = reslab.plan_run(reslab.plan_network("resnet20", data, width=8), data, steps=STEPS)
reslab.train(run, FOLDER, resume=True)
classifier = reslab.load(FOLDER / "weights.safetensors").eval()

# %% [markdown]
# Images to check on, and others to calibrate INT8 on.

# %%
samples = take_dataset("digits", None, classifier.preprocessing.geometry, 256)
options = ExportOptions(speed_seconds=0.05)
files = {"onnx": "net.onnx", "onnx-int8": "net-int8.onnx", "torch-export": "net.pt2"}
for format_, name in files.items():
    if format_ == "onnx-int8" and "RESLAB_SMOKE" in os.environ:
        continue
    chosen = replace(options, format=format_)
    report = export_classifier(classifier, FOLDER / name, samples, chosen)
    same = report.agreement.agreement_pct
    print(f"{report.path}: {report.bytes:,} bytes, {same:.1f} % the same predictions")

# %% [markdown]
# The exported file answers without PyTorch.

# %%
runtime = open_runtime(FOLDER / "net.onnx")
logits = runtime.logits(samples.check[:8])
print([runtime.class_names[i] for i in logits.argmax(axis=1)])
