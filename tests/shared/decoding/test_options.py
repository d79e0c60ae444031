import dataclasses

import numpy as np
import pytest

from shared.decoding import DecodingOptions, beam_options
from shared.errors import InputError


@pytest.mark.parametrize(
    "bad",
    [
        {"strategy": "best"},
        {"temperature": 0},
        {"temperature": -1.0},
        {"temperature": float("nan")},
        {"temperature": "1"},
        {"top_k": -1},
        {"top_k": 2.5},
        {"top_p": 0},
        {"top_p": 1.01},
        {"beam_size": 0},
        {"beam_size": True},
        {"beam_size": 1001},
        {"n_best": 0},
        {"n_best": 2},
        {"strategy": "beam", "beam_size": 2, "n_best": 3},
        {"length_penalty": -0.1},
        {"length_penalty": float("inf")},
        {"coverage_penalty": -0.1},
        {"no_repeat_ngram": -1},
        {"min_length": -1},
        {"max_length": 0},
        {"min_length": 5, "max_length": 4},
        {"seed": -1},
        {"seed": None},
    ],
)
def test_bad_values_are_refused_in_one_line_that_names_them(bad):
    with pytest.raises(InputError) as caught:
        DecodingOptions(**bad)
    assert list(bad)[-1] in str(caught.value) or list(bad)[0] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_good_values_are_kept_and_frozen():
    options = DecodingOptions("sample", n_best=20, top_p=np.float32(0.5), max_length=np.int64(9))
    assert options.n_best == 20
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.seed = 3


def test_a_beam_of_one_is_greedy_decoding():
    defaults = {"strategy": "beam", "beam_size": 5, "length_penalty": 1.0, "max_length": 9}
    assert beam_options(defaults, {"n_best": 3}) == DecodingOptions(**defaults, n_best=3)
    assert beam_options(defaults, {"beam_size": 1}).strategy == "greedy"
    with pytest.raises(InputError):
        beam_options(defaults, {"beam_size": 1, "n_best": 2})
