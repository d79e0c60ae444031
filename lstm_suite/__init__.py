"""The LSTM suite: four generative applications on one LSTM, and the layers that they share.

    from lstm_suite import Captioner, Composer, Translator, Writer   # no TensorFlow needed
    from lstm_suite import LSTM, BahdanauAttention                   # Keras layers

What is named here may be relied on. Nothing is imported until it is asked for.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.captioning.caption import Captioner
    from apps.handwriting.write import Writer
    from apps.music.compose import Composer
    from apps.translation.translate import Translator
    from shared import __version__
    from shared.errors import InputError
    from shared.layers import (
        GATES,
        LSTM,
        AttentionDecoder,
        BahdanauAttention,
        GaussianWindow,
        LSTMCell,
        LuongAttention,
        MixtureDensity,
        StackedLSTM,
        WindowLSTM,
    )

__all__ = [
    "GATES",
    "LSTM",
    "AttentionDecoder",
    "BahdanauAttention",
    "Captioner",
    "Composer",
    "GaussianWindow",
    "InputError",
    "LSTMCell",
    "LuongAttention",
    "MixtureDensity",
    "StackedLSTM",
    "Translator",
    "WindowLSTM",
    "Writer",
    "__version__",
]

_MODULES = {
    "Captioner": "apps.captioning.caption",
    "Composer": "apps.music.compose",
    "InputError": "shared.errors",
    "Translator": "apps.translation.translate",
    "Writer": "apps.handwriting.write",
    "__version__": "shared",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = _MODULES.get(name, "shared.layers")
    _check_not_hidden(module.partition(".")[0])
    return getattr(importlib.import_module(module), name)


def __dir__() -> list[str]:
    return sorted(__all__)


def _check_not_hidden(package: str) -> None:
    """Names the culprit where another package called `apps` or `shared` comes first."""
    found = getattr(importlib.import_module(package), "__file__", None)
    ours = Path(__file__).resolve().parents[1]
    if found is None or Path(found).resolve().parents[1] != ours:
        raise ImportError(
            f"another package called {package!r} ({found or 'a folder without __init__.py'}) hides "
            f"the LSTM suite's in {ours}; rename it, or put {ours} first in sys.path"
        )
