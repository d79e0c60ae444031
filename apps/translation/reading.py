"""What the words of a command line are: a text, or the name of a file."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

from shared.errors import InputError
from shared.files import STDOUT
from shared.readers import read_text

MOST_LINE = 200_000  # characters


def text_file(words: Sequence[str]) -> str | None:
    """The file that the command's words name, ``-`` for standard input, None if they are text.

    Raises:
        InputError: They name several files, a folder, or what looks like a file and is none.
    """
    files = [word for word in words if word == STDOUT or os.path.lexists(word)]
    paths = [word for word in words if word in files or _PATH.fullmatch(word)]
    if not words:
        return STDOUT
    if len(words) > 1 and len(paths) == len(words):
        raise InputError(f"{len(words)} files; translate one at a time, or give --text if they "
                         "are words")  # fmt: skip
    if len(words) > 1 and words[0] in files and _PATH.fullmatch(words[0]):
        raise InputError(f"{words[0]}: is a file, and more follows; quote a text, or give --text")
    if len(words) > 1 or not paths:
        return None
    [name] = paths
    if not files:
        raise InputError(f"{name}: no such file; check the path, or give --text to translate it")
    if os.path.isdir(name):
        raise InputError(f"{name}: is a folder; name a text file, or give --text to translate it")
    return name


# What begins like a path; or has a slash or a short ending, but no space.
_PATH = re.compile(
    r"(?:/|~\w*/|\.\.?/|[A-Za-z]:\\)\S.*|\S*[/\\]\S*|[^\s@]*[^\s@.]\.[A-Za-z]\w{1,4}"
)


def read_lines(words: Sequence[str], path: str | None) -> list[str]:
    """Reads the lines to translate from a file or standard input; without one, they are the words.

    Raises:
        InputError: There is nothing to translate, or the file is not text.
    """
    name = "the text" if path is None else "standard input" if path == STDOUT else path
    if path is None:
        text = " ".join(words).encode(errors="replace").decode()
    elif path == STDOUT and sys.stdin.isatty():
        raise InputError("nothing to translate; give a text, a file or --interactive")
    else:
        text = read_text(path)
    lines = re.split(r"\r\n|[\n\r\v\f]", text)
    if len(longest := max(lines, key=len)) > MOST_LINE:
        number = lines.index(longest) + 1
        raise InputError(f"{name}, line {number}: more than {MOST_LINE:,} characters; break it")
    if not any(line.strip() for line in lines):
        raise InputError(f"{name}: nothing to translate; it is empty")
    return lines[:-1] if not lines[-1] else lines
