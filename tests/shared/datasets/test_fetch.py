import functools
import hashlib
import http.server
import json
import threading

import pytest

from shared.datasets import cache_dir, download, sha256_of
from shared.errors import InputError

CONTENT = bytes(range(256)) * 5000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; `break_after` bytes of it, once, when the server has that set."""

    def do_GET(self):
        self.server.ranges.append(self.headers.get("Range"))
        if "absent" in self.path:
            return self.send_error(404)
        start = 0
        if self.headers.get("Range") and self.server.resumes:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if start >= len(CONTENT):
                return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        body, self.server.break_after = CONTENT[start:][: self.server.break_after], None
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.ranges, running.resumes, running.break_after = [], True, None
        running.url = f"http://127.0.0.1:{running.server_port}"
        threading.Thread(
            target=functools.partial(running.serve_forever, poll_interval=0.01), daemon=True
        ).start()
        yield running
        running.shutdown()


def test_download_once(server, tmp_path):
    seen = []
    progress = lambda have, total: seen.append((have, total))  # noqa: E731
    path = download(f"{server.url}/a/my%20data.bin?x=1", DIGEST.upper(), tmp_path / "new", progress)
    assert path == tmp_path / "new" / "my data.bin"
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert download(f"{server.url}/a/my%20data.bin", DIGEST, tmp_path / "new") == path
    assert len(server.ranges) == 1


@pytest.mark.parametrize("resumes", [True, False])
def test_cut_short_then_continued(server, tmp_path, resumes):
    server.break_after, server.resumes = 3000, resumes
    with pytest.raises(InputError, match="try again"):
        download(f"{server.url}/data.bin", DIGEST, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["data.bin.part"]
    assert download(f"{server.url}/data.bin", DIGEST, tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=3000-"]
    assert not (tmp_path / "data.bin.part").exists()


def test_a_whole_part_or_a_longer_one_is_fetched_again(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(CONTENT + b"more")
    assert download(f"{server.url}/data.bin", DIGEST, tmp_path).read_bytes() == CONTENT


def test_wrong_checksum_leaves_nothing(server, tmp_path):
    with pytest.raises(InputError, match=f"data.bin has SHA-256 {DIGEST[:12]}.*expected 0000"):
        download(f"{server.url}/data.bin", "0" * 64, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_checksum_recorded_at_the_first_download(server, tmp_path):
    path = download(f"{server.url}/data.bin", None, tmp_path)
    assert json.loads((tmp_path / "checksums.json").read_text()) == {"data.bin": DIGEST}
    path.write_bytes(b"changed")
    with pytest.raises(InputError, match="delete .*data.bin"):
        download(f"{server.url}/data.bin", None, tmp_path)
    path.unlink()
    (tmp_path / "checksums.json").write_text(json.dumps({"data.bin": "1" * 64}))
    with pytest.raises(InputError, match="expected 1111"):
        download(f"{server.url}/data.bin", None, tmp_path)


@pytest.mark.parametrize(
    ("path", "words"),
    [("/absent.bin", "404 Not Found"), ("/", "names no file")],
)
def test_refused_in_one_line(server, tmp_path, path, words):
    with pytest.raises(InputError, match=words) as error:
        download(server.url + path, None, tmp_path)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_no_server(tmp_path):
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as closed:
        url = f"http://127.0.0.1:{closed.server_port}/data.bin"
    with pytest.raises(InputError, match=r"cannot download .*refused.* by hand to .*data\.bin"):
        download(url, None, tmp_path)
    with pytest.raises(InputError, match="cannot download nonsense://"):
        download("nonsense://host/data.bin", None, tmp_path)


def test_cache_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("LSTM_SUITE_CACHE", str(tmp_path / "here" / "it"))
    assert cache_dir() == tmp_path / "here" / "it" and cache_dir().is_dir()
    monkeypatch.delenv("LSTM_SUITE_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "lstm-suite"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LSTM_SUITE_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(InputError, match="cannot create .*set LSTM_SUITE_CACHE"):
        cache_dir()


def test_sha256(tmp_path):
    (tmp_path / "f").write_bytes(CONTENT)
    assert sha256_of(tmp_path / "f") == DIGEST
