import stat

import numpy as np
import pytest

from shared.backends import saved_model
from shared.errors import InputError
from shared.presets.card import Card
from shared.presets.open import open_preset
from shared.presets.store import save_preset
from tests.shared.export.toy import conditions, toy


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Opens a preset as a SavedModel; the number of exports is counted."""
    monkeypatch.setenv("LSTM_SUITE_CACHE", str(tmp_path / "cache"))
    card = Card("Toy", "A toy.", "It was not.", "Useless.", "mit", "Ours.", True, ())
    save_preset(tmp_path / "toy", "music", {}, toy(3), card)
    exports = []
    export = saved_model.export_saved_model
    monkeypatch.setattr(
        saved_model, "export_saved_model", lambda *args: exports.append(args[1]) or export(*args)
    )

    def call():
        generator = open_preset("music", tmp_path / "toy", "saved_model", lambda _: toy()).generator
        return generator.encode(conditions(1))["h"], list(exports)

    return call


def test_a_saved_model_is_run_only_as_it_was_exported(opened, tmp_path):
    expected, [folder] = opened()
    assert folder.parent == tmp_path / "cache" / "saved_models" and "toy" not in folder.name
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    assert opened()[1] == [folder]  # the second time it is there
    for number, change in enumerate(
        (
            lambda: (folder / "saved_model.pb").write_bytes(b"of somebody else"),
            lambda: (folder / "checksums.json").unlink(),
            lambda: (folder / "variables" / "more").write_text("planted"),
        ),
        2,
    ):
        change()
        found, exports = opened()
        np.testing.assert_array_equal(found, expected)
        assert exports == [folder] * number


def test_a_cache_that_others_can_write_is_refused(opened, tmp_path):
    (tmp_path / "cache" / "saved_models").mkdir(parents=True)
    (tmp_path / "cache" / "saved_models").chmod(0o777)
    with pytest.raises(InputError, match="others can write to it"):
        opened()
