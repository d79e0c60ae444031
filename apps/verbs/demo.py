"""A sample of every application and one page that shows them: ``lstm-suite demo``."""

from __future__ import annotations

import argparse
import base64
import html
import mimetypes
from pathlib import Path

from apps import APPS, application
from apps.verbs.arguments import add_seed
from shared.application import Sample
from shared.files import write_text

PAGE = "index.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``demo``."""
    parser.add_argument("-o", "--output", default="samples", metavar="DIR", help="%(default)s")
    add_seed(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite demo``."""
    folder = Path(args.output)
    samples: list[Sample] = []
    for app in APPS:
        samples += application(app).samples(folder, args.seed)
    write_text(folder / PAGE, page(samples))
    for sample in samples:
        print(f"{sample.title}: {sample.given}")
        for path, caption in sample.made:
            print(f"  {path}  ({caption})")
    print(f"Open {folder / PAGE}")


def page(samples: list[Sample]) -> str:
    """A self-contained page: pictures and sounds are in it, nothing is loaded."""
    sections = "\n".join(_section(sample) for sample in samples)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>LSTM suite: samples</title>
<style>
body {{ font: 17px/1.5 Georgia, serif; color: #222; background: #faf8f4;
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
section {{ background: #fff; border: 1px solid #ddd; border-radius: 6px;
  padding: 1rem 1.5rem; margin: 1.5rem 0; }}
img {{ max-width: 100%; height: auto; }}
figure {{ margin: 1rem 0; }}
figcaption {{ color: #666; font-size: 0.9rem; }}
audio {{ width: 100%; }}
code {{ background: #f0ede6; padding: 0.1em 0.4em; border-radius: 3px; font-size: 0.85em; }}
</style>
</head>
<body>
<h1>LSTM suite: samples</h1>
<p>Made on this machine by the models in the package; the commands make the same again.</p>
{sections}
</body>
</html>
"""


def _section(sample: Sample) -> str:
    figures = "\n".join(_figure(path, caption) for path, caption in sample.made)
    return f"""<section>
<h2>{html.escape(sample.title)}</h2>
<p>{html.escape(sample.given)}<br><code>{html.escape(sample.command)}</code></p>
{figures}
</section>"""


def _figure(path: Path, caption: str) -> str:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    source = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
    words = html.escape(caption)
    if kind.startswith("image/"):
        shown = f'<img src="{source}" alt="{words}">'
    elif kind.startswith("audio/") and "midi" not in kind:
        shown = f'<audio controls src="{source}"></audio>'
    else:
        name = html.escape(path.name)
        shown = f'<a download="{name}" href="{source}">{name}</a>'
    return f"<figure>{shown}<figcaption>{words}</figcaption></figure>"
