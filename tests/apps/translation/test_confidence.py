import json

import numpy as np
import pytest

from apps.translation.confidence import CALIBRATION, confidence, fit, read_calibration
from apps.translation.repeats import repeats
from apps.translation.search import Hypothesis
from shared.errors import InputError
from shared.files import write_json

RIGHT, WRONG = "the dog sees the old cat", "eine ganz andere Sache"


def hypothesis(nats: float, text: str = RIGHT) -> Hypothesis:
    attention = np.full((4, 4), 0.25, np.float32)
    return Hypothesis(text, -nats, -nats, True, ("a",) * 4, ("b",) * 4, attention)


def some(count: int, seed: int = 0) -> list[Hypothesis]:
    """Those of a smaller loss are right more often."""
    rng = np.random.default_rng(seed)
    nats = rng.uniform(0, 10, count)
    return [hypothesis(n, RIGHT if rng.random() > n / 10 else WRONG) for n in nats]


def test_confidences_are_the_share_that_is_good(tmp_path):
    found = fit(some(2000), [RIGHT] * 2000, "command")
    figures = found["figures"]
    assert figures["n"] == 1000 and 0.4 < figures["good"] < 0.6
    assert figures["auc"] > 0.75 and figures["calibration_error"] < 0.06
    assert figures["bad_flagged"] > 0.65 > 0.35 > figures["good_flagged"]
    sure = [confidence(hypothesis(n), found) for n in (0.5, 5, 9.5)]
    assert sure[0] > 0.85 and 0.4 < sure[1] < 0.6 and sure[2] < 0.15
    write_json(tmp_path / CALIBRATION, found)
    assert read_calibration(tmp_path) == found
    assert read_calibration(tmp_path / "none") is None
    (tmp_path / CALIBRATION).write_text(json.dumps({**found, "weights": "many"}))
    with pytest.raises(InputError, match="weights"):
        read_calibration(tmp_path)


def test_too_little_to_fit_is_refused():
    for hypotheses in (some(50), [hypothesis(1.0)] * 200):
        with pytest.raises(InputError, match="too few"):
            fit(hypotheses, [RIGHT] * len(hypotheses), "command")


def test_what_is_said_twice_is_seen():
    assert repeats("Der alte Mann geht und der alte Mann kommt.", "The old man goes and he comes.")
    assert not repeats("Der alte Mann geht und er kommt.")
    assert not repeats("der alte Mann, der alte Mann", "the old man, the old man")
