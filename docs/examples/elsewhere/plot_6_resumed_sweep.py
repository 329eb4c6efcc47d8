"""A search that was killed goes on
===================================

With a ``sweep_dir`` every network that a search has finished is noted in a folder. Here the process is killed as
``kill -9`` does it, and the same command goes on from what it had.
"""

import subprocess
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

COMMAND = "regnet select digits --hidden 16 --n-lambdas 12 --cv 3 --epochs 20 --no-adaptive --sweep-dir sweep"


def records():
    """When each network was noted, in seconds since 1970."""
    return sorted(path.stat().st_mtime for path in Path("sweep").glob("*/*.safetensors"))


begun = time.time()
process = subprocess.Popen(COMMAND.split(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
while len(records()) < 12 and process.poll() is None:
    time.sleep(0.02)
process.kill()
process.communicate()
killed, kept = time.time(), len(records())
print(f"killed with {kept} networks on the disk")

# %%
# The same command again trains what is missing, and comes to its end.

done = subprocess.run(COMMAND.split(), capture_output=True, text=True, check=True)
print(done.stdout.splitlines()[-1])

# %%
# Networks on the disk, by time: after the kill (dashed) the line goes on from where it was. The pause is the time that
# a process takes to begin.

times = np.array(records()) - begun
figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
axis.step(times, np.arange(1, len(times) + 1), where="post", color="#0072b2")
axis.axvline(killed - begun, color="k", linestyle="--", linewidth=0.8)
axis.annotate("killed", (killed - begun, 2), xytext=(6, 0), textcoords="offset points")
axis.set(xlabel="seconds", ylabel="networks on the disk")
