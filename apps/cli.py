"""The ``lstm-suite`` command: every verb, one line for an error, exit status 0 or 2."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Sequence

from apps import APPS, demo, presets
from apps.captioning import generate as captioning
from apps.handwriting import generate as handwriting
from apps.handwriting import sheets
from apps.music import continuation, harmonize
from apps.music import generate as music
from apps.translation import generate as translation
from shared.errors import InputError

VERBS = {
    "caption": (captioning, "say what is in a photo"),
    "compose": (music, "compose a four-part chorale"),
    "continue": (continuation, "continue a chorale that somebody began"),
    "harmonize": (harmonize, "find three voices beneath a melody"),
    "translate": (translation, "translate sentences, a text or a file"),
    "write": (handwriting, "write a text by hand"),
    "sheets": (sheets, "draw a random sheet of ink for each contributor"),
    "presets": (presets, "list the trained models"),
    "demo": (demo, "a sample of everything, and a page that shows it"),
}
FOR_ANY_APP = ("average", "export")  # one module for all; the others are in each app's folder
PER_APP = {
    "train": "train a model on your own data",
    "evaluate": "measure a model on data",
    "average": "write the mean of trained models",
    "export": "write the .tflite bundle of a trained model",
    "inspect": "draw what the gates do while a model reads",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line; returns the exit status."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    verb = arguments[0] if arguments else ""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # once it runs; for its start see _import
    try:
        args = _parser(arguments).parse_args(arguments)
        args.do(args)
    except InputError as error:
        message = str(error)
    except OSError as error:
        message = f"{error.filename or 'file'}: {error.strerror or error}; check the path"
    except KeyboardInterrupt:
        return 130
    else:
        return 0
    print(f"lstm-suite {verb}: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="lstm-suite", description="Four applications on one LSTM.")
    verbs = top.add_subparsers(required=True, metavar="VERB")
    for verb, (module, what) in VERBS.items():
        sub = verbs.add_parser(verb, help=what, description=what)
        module.add_arguments(sub)
        sub.set_defaults(do=module.run)
    for verb, what in PER_APP.items():
        sub = verbs.add_parser(verb, help=what, description=what)
        apps = sub.add_subparsers(required=True, metavar="{" + ",".join(APPS) + "}")
        for app in APPS:
            sub = apps.add_parser(app, description=what)
            if list(arguments[:2]) == [verb, app]:  # these import TensorFlow: only when asked for
                place = "apps" if verb in FOR_ANY_APP else f"apps.{app}"
                module = _import(f"{place}.{verb}")
                module.add_arguments(sub)
                sub.set_defaults(do=module.run, app=app)
    return top


def _import(name: str):
    try:
        with _without_stderr():
            module = importlib.import_module(name)
            if tensorflow := sys.modules.get("tensorflow"):
                tensorflow.constant(0)
        return module
    except ModuleNotFoundError as error:
        raise InputError(
            f'{error.name} is not installed; pip install "lstm-suite[train]"'
        ) from error


@contextlib.contextmanager
def _without_stderr() -> Iterator[None]:
    """Drops what TensorFlow says of drivers and kernels as it starts, which no setting does."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


if __name__ == "__main__":
    sys.exit(main())
