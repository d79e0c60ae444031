"""The ``lstm-suite`` command line: every verb, one line for an error.

The exit status is 0, 2 for bad input, or 70 for a fault of the program.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from types import ModuleType
from typing import NoReturn

from apps import APPS, application
from apps.verbs import demo, presets, web
from apps.verbs.limits import limits_of
from apps.verbs.visible import Visible
from shared import __version__
from shared.errors import InputError, describe
from shared.stderr import silent_stderr

GENERAL = {
    "presets": (presets, "list the trained models"),
    "demo": (demo, "a sample of everything, and a page that shows it"),
    "web": (web, "serve the page that runs all models in a browser"),
}
PER_APP = {
    "train": "train a model on your own data",
    "evaluate": "measure a model on data",
    "calibrate": "measure when a model is right to be sure",
    "average": "write the mean of trained models",
    "export": "write the .tflite bundle of a trained model",
    "inspect": "draw what the gates do while a model reads or writes",
}

DEBUG = "LSTM_SUITE_DEBUG"
"""The environment variable that has a bug's traceback shown."""

# Modules of the runtime that few verbs need: the package, and what it is for.
PACKAGES = {
    "ai_edge_litert": ("ai-edge-litert", "--backend litert, the default, runs models with it"),
    "music21": ("music21", "compose, continue, harmonize and music's data need it"),
    "verovio": ("verovio", "only compose, continue and harmonize need it, for .svg and .png"),
    "resvg_py": ("resvg-py", "only .png files of scores and handwriting need it"),
    "sentencepiece": ("sentencepiece", "translate and caption need it for subwords"),
    "py3langid": ("py3langid", "only translate needs it, to tell languages apart"),
    "markdown_it": ("markdown-it-py", "only translate needs it, for .md files"),
    "srt": ("srt", "only translate needs it, for .srt files"),
    "webvtt": ("webvtt-py", "only translate needs it, for .vtt files"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line; returns the exit status."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    verb = arguments[0] if arguments else ""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # no tests' stand-in
            stream.reconfigure(errors="replace")  # where its encoding lacks a character
    with ExitStack() as stack:
        draws = verb in ("train", "recognizer")  # Keras' progress bars, with escapes
        if sys.stdout and sys.stdout.isatty() and not draws:
            stack.enter_context(redirect_stdout(Visible(sys.stdout)))
        if sys.stderr and sys.stderr.isatty():
            stack.enter_context(redirect_stderr(Visible(sys.stderr)))
        return _run(verb, arguments)


def _run(verb: str, arguments: Sequence[str]) -> int:
    status = 2
    try:
        args = _parser(arguments).parse_args(arguments)
        if verb in ("train", "export", "inspect") or getattr(args, "backend", "litert") != "litert":
            _start_tensorflow()
        args.run_verb(args)
        sys.stdout.flush()
    except InputError as error:
        message = describe(error)
    except ModuleNotFoundError as error:
        module = (error.name or "").split(".")[0]
        if module in ("apps", "shared"):  # no installation mends that
            status, message = 70, _bug(error)
        else:
            package, purpose = PACKAGES.get(module, ('"lstm-suite[train]"', "this needs it"))
            message = f"{error.name} is not installed; pip install {package} ({purpose})"
    except BrokenPipeError:  # who reads has enough, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as error:
        message = describe(error)
    except MemoryError:
        message = "not enough memory; give less at once"
    except RecursionError:
        message = "the input is nested too deeply; simplify it"
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except Exception as error:
        status, message = 70, _bug(error)  # EX_SOFTWARE of sysexits.h
    else:
        return 0
    print(f"lstm-suite {verb}: {' '.join(message.split())}", file=sys.stderr)
    return status


def _bug(error: Exception) -> str:
    if os.environ.get(DEBUG):
        raise error
    said = f"{type(error).__name__}: {str(error)[:300]}"
    return f"{said}; this is a bug; {DEBUG}=1 shows the traceback"


class _Parser(argparse.ArgumentParser):
    """A parser that tells what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Exits with status 2."""
        self.exit(2, f"{self.prog}: {message}; --help lists what there is\n")


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The parser. Of verbs that differ by application only the one that is asked for is filled."""
    top = _Parser(prog="lstm-suite", description="Four applications on one LSTM.")
    top.add_argument("--version", action="version", version=f"lstm-suite {__version__}")
    verbs = top.add_subparsers(required=True, metavar="VERB")
    for name in APPS:
        app = application(name)
        for verb, summary in app.verbs.items():
            sub = verbs.add_parser(verb, help=summary, description=summary, epilog=limits_of(name))
            if list(arguments[:1]) == [verb]:
                command = app.commands()[verb]
                command.add_arguments(sub)
                sub.set_defaults(run_verb=command.run, app=app)
    for verb, (module, summary) in GENERAL.items():
        sub = verbs.add_parser(verb, help=summary, description=summary)
        module.add_arguments(sub)
        sub.set_defaults(run_verb=module.run)
    for verb, summary in PER_APP.items():
        sub = verbs.add_parser(verb, help=summary, description=summary)
        names = sub.add_subparsers(required=True, metavar="{" + ",".join(APPS) + "}")
        for name in APPS:
            sub = names.add_parser(name, description=summary, epilog=limits_of(name))
            if list(arguments[:2]) == [verb, name]:
                per_app = verb_module(verb)
                per_app.add_arguments(sub, application(name))
                sub.set_defaults(run_verb=per_app.run, app=application(name))
    return top


def verb_module(verb: str) -> ModuleType:
    """The module of a verb in `PER_APP`."""
    return importlib.import_module(f"apps.verbs.{verb}")


def _start_tensorflow() -> None:
    """Imports TensorFlow; what it says of drivers and kernels is dropped, which no setting does."""
    with silent_stderr():
        import tensorflow

        tensorflow.constant(0)
