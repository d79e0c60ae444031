"""What the tests against tensorflow-addons share."""

from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data"


def load(name):
    """The recorded arrays of a case, by name."""
    return dict(np.load(DATA / f"{name}.npz"))


def assign_attention(attention, recorded):
    """Give a built attention the recorded weights."""
    attention.memory_layer.kernel.assign(recorded["memory_kernel"])
    if "query_kernel" in recorded:
        attention.query_layer.kernel.assign(recorded["query_kernel"])
    for name in "vgb":
        if name in recorded:
            getattr(attention, name).assign(recorded[name])


def memory_mask(recorded):
    """Bool ``(batch, memory)`` from the recorded lengths."""
    return np.arange(recorded["memory"].shape[1])[None] < recorded["lengths"][:, None]
