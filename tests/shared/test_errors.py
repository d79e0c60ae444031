import errno
import math
import os

import pytest

from shared.errors import InputError, check_range, describe


@pytest.mark.parametrize("value", [1, 2.5, 8])
def test_a_value_in_its_range_passes(value):
    check_range("bars", value, 1, 8)
    check_range("bars", value, 1)


@pytest.mark.parametrize("value", [0, 9, math.nan])
def test_a_value_out_of_range_is_told_with_the_range(value):
    with pytest.raises(InputError, match=f"bars must be 1 to 8, not {value:g}"):
        check_range("bars", value, 1, 8)


def test_a_range_may_have_no_upper_end():
    with pytest.raises(InputError, match="seed must be 0 or more, not -1"):
        check_range("seed", -1, 0)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "No space left on device; free some room"),
        (errno.EFBIG, "raise the limit"),
        (errno.EDQUOT, "larger quota"),
        (errno.EROFS, "name a place that can be written"),
        (errno.EACCES, "allow access"),
        (errno.ENOENT, "check the path"),
    ],
)
def test_an_error_of_the_system_names_the_file_and_the_remedy(number, remedy):
    line = describe(OSError(number, os.strerror(number), "run/last.npz"))
    assert line.startswith("run/last.npz: ") and remedy in line


def test_a_note_is_part_of_the_line():
    error = InputError("bad")
    assert describe(error) == "bad"
    error.add_note("the last checkpoint is intact")
    assert describe(error) == "bad; the last checkpoint is intact"


def test_a_long_message_keeps_both_ends():
    message = str(InputError(f"a.json: {'x' * 100_000} is no number; restore the file"))
    assert len(message) < 700
    assert message.startswith("a.json: x") and message.endswith("restore the file")
