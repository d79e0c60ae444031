import numpy as np
import pytest

from shared.errors import InputError
from shared.export.examples import read_examples, write_examples
from shared.export.goldens import Example


def test_examples_go_to_a_file_and_back(tmp_path):
    symbols = [{"symbol": np.array([k], np.int32)} for k in range(12)]
    condition = {"photo": np.arange(6, dtype=np.uint8).reshape(1, 2, 3)}
    write_examples(tmp_path / "e.npz", [Example(condition, symbols), Example({}, symbols[:2])])
    first, second = read_examples(tmp_path / "e.npz")
    np.testing.assert_array_equal(first.condition["photo"], condition["photo"])
    assert [int(s["symbol"][0]) for s in first.symbols] == list(range(12))
    assert second.condition == {} and len(second.symbols) == 2


@pytest.mark.parametrize("damage", [lambda d: d[: len(d) // 2], lambda d: b"", lambda d: b"PK" + d])
def test_a_damaged_file_is_one_line(damage, tmp_path):
    path = tmp_path / "e.npz"
    write_examples(path, [Example({}, [{"symbol": np.array([1], np.int32)}])])
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=r"e\.npz: (damaged|holds no examples|cannot be read)"):
        read_examples(path)
