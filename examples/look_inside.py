"""Everything there is to see: the graph, the two halves of the derivative, a notebook's HTML, a file to keep.

The saved file is run by a Python in which diffcompile cannot be imported, and gives the same number.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from diffcompile import grad


@grad
def decay(rate, times, counts):
    """Squared misfit of an exponential decay, relative to the first count."""
    model = counts[0] * np.exp(-rate * times)
    return np.sum((model - counts) ** 2)


RUN = """
import sys
sys.modules["diffcompile"] = None
sys.path.insert(0, {folder!r})
import numpy as np
from saved import decay_grad
print(float(decay_grad(0.3, np.array([0.0, 1.0, 2.0, 4.0]), np.array([100.0, 72.0, 53.0, 28.0]))))
"""

times = np.array([0.0, 1.0, 2.0, 4.0])
counts = np.array([100.0, 72.0, 53.0, 28.0])
slope = decay(0.3, times, counts)
model = 100.0 * np.exp(-0.3 * times)
assert np.isclose(slope, np.sum(2 * (model - counts) * model * -times), rtol=1e-12)

print(decay, "is the derivative of", decay.primal.__name__)
print("\nthe graph:\n")
print(decay.graph)
print("\nthe forward half:\n")
print(decay.forward_source)
print("\nthe backward half:\n")
print(decay.backward_source)
print(f"\nin a notebook: {len(decay._repr_html_())} characters of highlighted HTML\n")

with tempfile.TemporaryDirectory() as folder:
    decay.save(Path(folder) / "saved.py")
    run = [sys.executable, "-c", RUN.format(folder=folder)]
    elsewhere = float(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
print(f"slope {float(slope)!r}, from the saved file {elsewhere!r}")
assert elsewhere == slope

print(decay.source)
