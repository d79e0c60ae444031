import io

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from shared.plots import attention_map, gate_trace, photo_attention, piano_roll


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), int)


def share(picture, color):
    """The part of the picture that has a color, an ``(r, g, b, a)`` from 0 to 1."""
    return (np.abs(picture - np.array(color[:3]) * 255).max(-1) <= 2).mean()


@pytest.mark.parametrize("panel", ["Greens", "Blues", "Oranges"])
def test_each_gate_has_its_panel(panel):
    gates = np.full((20, 5, 8), 0.25)
    gates[:, {"Greens": 0, "Blues": 1, "Oranges": 3}[panel]] = 0.75  # the order of shared.layers
    picture = pixels(gate_trace(gates))
    for name in ("Greens", "Blues", "Oranges"):
        high, low = (share(picture, colormaps[name](value)) for value in (0.75, 0.25))
        assert (high > 0.08 and low < 0.01) if name == panel else (low > 0.08 and high < 0.01)


def test_units_stand_in_the_order_of_their_forget_gates():
    gates = np.full((12, 5, 4), 0.5)
    gates[:, 1] = [0.2, 0.9, 0.4, 0.6]
    blues = colormaps["Blues"]
    middle = pixels(gate_trace(gates))[:, 300]
    rows = [np.abs(middle - np.array(blues(f)[:3]) * 255).max(-1).argmin() for f in (0.9, 0.6, 0.2)]
    assert rows == sorted(rows) and rows[2] - rows[0] > 60
    few = pixels(gate_trace(gates, units=2))  # both ends of the order
    assert [share(few, blues(f)) > 0.02 for f in (0.9, 0.6, 0.4, 0.2)] == [True, False, False, True]
    chosen = pixels(gate_trace(gates, units=[2, 3]))
    assert [share(chosen, blues(f)) > 0.02 for f in (0.9, 0.6, 0.4, 0.2)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_notes_and_labels_must_be_as_many_as_steps():
    gates = np.zeros((6, 5, 3))
    plain = pixels(gate_trace(gates)).shape
    with_notes = gate_trace(gates, list("abcdef"), pitches=np.full((6, 4), 60))
    assert pixels(with_notes).shape[0] > plain[0] + 100
    with pytest.raises(ValueError, match="6 steps of gates, 5 of labels"):
        gate_trace(gates, list("abcde"))
    with pytest.raises(ValueError, match="6 steps of gates, 7 of pitches"):
        gate_trace(gates, pitches=np.full((7, 4), 60))
    with pytest.raises(ValueError, match=r"must be \(steps, 5, units\)"):
        gate_trace(gates[:, :4])


def test_the_same_picture_is_the_same_file():
    pitches = np.array([[60, 55], [60, -1], [62, 48]])
    assert piano_roll(pitches) == piano_roll(pitches)
    assert share(pixels(piano_roll(pitches)), (0xC0 / 255, 0x39 / 255, 0x2B / 255)) > 0.01
    assert piano_roll(pitches) != piano_roll(pitches[::-1])


def test_an_attention_map_is_dark_where_the_weights_are():
    names = list("abcdefgh"), list("uvwxyz$_")
    blues = colormaps["Blues"]
    rows = []
    for place in (1, 6):
        weights = np.zeros((8, 8))
        weights[place] = 1
        picture = pixels(attention_map(weights, *names, title="$"))
        dark = np.abs(picture - np.array(blues(1.0)[:3]) * 255).max(-1) <= 2
        assert 0.02 < dark.mean() < 0.2
        rows.append(np.flatnonzero(dark.any(1)).mean())
    assert rows[0] < rows[1]  # what was written first is on top
    with pytest.raises(ValueError, match="symbols"):
        attention_map(np.zeros((2, 3)), ["a", "b"], ["c", "d", "e"])


def test_what_the_font_lacks_is_a_box_and_no_warning(recwarn):
    attention_map(np.ones((1, 1)), ["北"], ["京"], title="\U0001f600")
    assert not recwarn.list


def test_a_unit_that_counts_does_not_pale_the_others():
    gates = np.full((100, 5, 80), 0.5)
    gates[:, 4] = np.tile([1.0, -1.0], 40)
    gates[:, 4, 0] = np.arange(100)
    picture = pixels(gate_trace(gates))
    assert all(share(picture, colormaps["RdBu_r"](value)) > 0.02 for value in (0.0, 1.0))


def test_bars_are_lines_through_all_panels():
    gates = np.full((60, 5, 4), 0.5)
    early, late = (pixels(gate_trace(gates, bars=[bar]))[:540] for bar in (15, 30))
    changed = (early != late).any(-1).sum(0)  # per column, above the labels
    lines = np.flatnonzero(changed > 0.3 * len(early))
    assert len(lines) >= 2 and np.ptp(lines) > 0.15 * len(changed)
    assert (changed == 0).mean() > 0.98


def test_a_word_is_colored_where_it_looked_and_the_photo_stays_visible():
    photo = np.full((60, 120, 3), (40, 90, 200), np.uint8)
    weights = np.full((2, 3, 3), 1 / 9)  # the first word looks everywhere alike
    weights[1] = 0.05
    weights[1, 2, 2] = 0.6
    picture = pixels(photo_attention(photo, ["a", "$dog"], weights, title="A $dog.", columns=3))
    blue = picture[..., 2] - picture[..., 0]
    heat = np.where((picture[..., 0] > 150) & (picture[..., 2] < 120), 1, 0)
    columns = np.flatnonzero((blue > 15).sum(0) > 10)
    parts = np.split(columns, np.flatnonzero(np.diff(columns) > 5) + 1)
    assert len(parts) == 3  # the photo, and a copy for each word
    whole, first, second = (slice(part[0], part[-1] + 1) for part in parts)
    assert blue[:, whole].max() >= 155 and heat[:, whole].sum() == heat[:, first].sum() == 0
    rows, columns = np.nonzero(heat[:, second])
    assert len(rows) and rows.min() > picture.shape[0] / 2
    assert columns.min() > (parts[2][-1] - parts[2][0]) / 2


def test_the_grid_is_as_wide_as_the_sentence_needs():
    photo, widths = np.zeros((40, 40, 3), np.uint8), []
    for count in (3, 7, 11, 12):
        words, weights = ["a"] * count, np.full((count, 2, 2), 0.25)
        widths.append(pixels(photo_attention(photo, words, weights)).shape[1])
    four, eight, twelve, thirteen = widths  # pictures: in rows of 4, 4 and 4, 6 and 6, 5 and 5
    assert abs(four - eight) < 20 and four < thirteen < twelve
    with pytest.raises(ValueError, match="1 attention maps, 2 words"):
        photo_attention(np.zeros((60, 120, 3), np.uint8), ["a", "dog"], weights[:1])
