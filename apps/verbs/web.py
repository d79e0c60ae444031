"""Serve the page that runs the models in a browser: ``lstm-suite web``."""

from __future__ import annotations

import argparse
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from shared.errors import InputError
from shared.presets.catalog import BUNDLES

HOST = "127.0.0.1"
PAGE = BUNDLES / "web" / "dist"
MODELS = "models"  # a folder of the page; in a wheel the bundles stand in for it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``web``."""
    parser.add_argument("--port", type=int, default=8000, metavar="N",
                        help="0 is any that is free; default: %(default)s")  # fmt: skip


def run(args: argparse.Namespace) -> None:
    """``lstm-suite web``."""
    with page_server(args.port) as server:
        print(f"Open http://{HOST}:{server.server_address[1]}/ (Ctrl-C ends)", flush=True)
        server.serve_forever()


def page_server(port: int, page: Path = PAGE, bundles: Path = BUNDLES) -> ThreadingHTTPServer:
    """A server of the page on this machine alone; ``serve_forever`` runs it.

    Args:
        port: On which to listen; 0 is any that is free.
        page: The folder of the built page.
        bundles: The folder of the bundles.

    Raises:
        InputError: The page has not been built, or the port cannot be used.
    """
    if not (page / "index.html").is_file():
        raise InputError(f"{page}: no page there; in a clone of the repository, make web builds it")

    class Handler(SimpleHTTPRequestHandler):
        extensions_map = {
            **SimpleHTTPRequestHandler.extensions_map,
            ".js": "text/javascript",
            ".wasm": "application/wasm",
            ".webmanifest": "application/manifest+json",
        }

        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(page))

        def translate_path(self, path: str) -> str:
            found = Path(super().translate_path(path))
            if found.is_relative_to(page / MODELS) and not found.exists():
                return str(bundles / found.relative_to(page / MODELS))
            return str(found)

        def log_message(self, *args: Any) -> None:
            pass

    try:
        return ThreadingHTTPServer((HOST, port), Handler)
    except (OSError, OverflowError) as error:
        raise InputError(f"port {port} cannot be used ({error}); choose another with --port") from (
            error
        )
