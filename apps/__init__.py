"""The applications and the command. `APPS` is the one registry of applications.

An application is a `shared.application.Application`; ``python -m pytest tests/conformance`` holds
every entry to it. CONTRIBUTING.md tells how to add one.
"""

from __future__ import annotations

import functools
import importlib

from shared.application import Application

# Name: the module and its instance, imported when it is asked for.
APPS = {
    "music": "apps.music.app:MUSIC",
    "translation": "apps.translation.app:TRANSLATION",
    "captioning": "apps.captioning.app:CAPTIONING",
    "handwriting": "apps.handwriting.app:HANDWRITING",
}


@functools.cache
def application(name: str) -> Application:
    """The application of a name in `APPS`."""
    module, _, instance = APPS[name].partition(":")
    return getattr(importlib.import_module(module), instance)
