# %% [markdown]
# # Degradation in five minutes
# Plain nets of 20 and 56 layers and residual nets of the same depth, width and parameters, on
# 1,433 real handwritten digits that come with reslab. Five seeds each: about two minutes on two
# idle cores. The question is what the deeper plain net does on its *own training data*.

# %%
import os
from pathlib import Path

import reslab
from reslab.report.study_page import write_report
from reslab.runs.executors.processes import LocalProcesses

# %% [markdown]
# A study is an object that knows its question, its runs and how to conclude. A setting says on
# what, for how long and how often; `smoke` takes seconds and shows nothing but that it runs.

# %%
FOLDER = Path("out/degradation")
study = reslab.find_study("degradation")
setting = reslab.choose_setting(
    "digits",
    "smoke" if "RESLAB_SMOKE" in os.environ else "quick",
    depths=(20, 56),
)

# %% [markdown]
# `conduct` trains what is not trained yet, so a second call is immediate, and one that was stopped
# goes on. It starts worker processes, which is why the call stands under `if __name__`.

# %%
if __name__ == "__main__":
    outcome = reslab.conduct(study, setting, FOLDER, executor=LocalProcesses(os.cpu_count() or 1))
    print(outcome.findings.answer)
    for table in outcome.findings.tables:
        print(f"\n{table.title}")
        for row in (table.columns, *table.rows):
            print("  ".join(f"{cell!s:>18}" for cell in row))

# %% [markdown]
# The page has the curves, to hover and zoom; open it in any browser.

# %%
if __name__ == "__main__":
    print(f"\npage: {write_report(outcome, FOLDER)}")
