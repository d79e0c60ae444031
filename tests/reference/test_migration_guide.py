"""Every snippet of docs/migration.md that shows our side runs, in order."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "migration.md"


def test_snippets_run():
    snippets = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    assert len(snippets) >= 8
    names = {}
    for snippet in snippets:
        exec(compile(snippet, str(PAGE), "exec"), names)
    assert len(names["results"]) == 2 and len(names["best"].symbols) == len(names["best"].attention)
    assert names["loss"].shape == ()
