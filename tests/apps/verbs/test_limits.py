import importlib
from pathlib import Path

import pytest

from apps import APPS
from apps.verbs.cli import main
from apps.verbs.limits import LIMITS

PAGE = Path(__file__).parents[3] / "docs" / "limits.md"


@pytest.mark.parametrize("limit", LIMITS, ids=str)
def test_a_limit_is_that_of_the_code_and_stands_in_the_docs(limit):
    parts = limit.constant.split(".")
    depth = 3 if parts[0] == "apps" else 2
    value = importlib.import_module(".".join(parts[:depth]))
    for name in parts[depth:]:
        value = getattr(value, name)
    assert value == limit.value
    of, most = limit.app or "all", f"{limit.value:,} {limit.unit}"
    row = f"| {of} | {limit.what} | {most} | `{limit.constant}` |"
    assert row in PAGE.read_text(encoding="utf-8").splitlines()


def test_the_page_has_no_other_limits():
    rows = [row for row in PAGE.read_text(encoding="utf-8").splitlines() if row.startswith("| ")]
    assert len(rows) == len(LIMITS) + 1


@pytest.mark.parametrize("app", APPS)
def test_help_states_them(app, capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", app, "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert all(str(limit) in told for limit in LIMITS if limit.app in ("", app))
