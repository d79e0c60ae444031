import math

import pytest

from shared.errors import InputError, check_range


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
