import functools
import hashlib
import http.server
import json
import threading

import pytest

from shared.datasets import cache_dir, download, sha256_of
from shared.errors import InputError
from shared.lock import LOCK

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
            if self.headers["If-Range"] != self.server.tag:
                start = 0
            if start >= len(CONTENT):
                return self.send_error(416)
        if "moved" in self.path:
            self.send_response(302)
            self.send_header("Location", self.server.moved)
            return self.end_headers()
        self.send_response(206 if start else 200)
        if self.server.tag:
            self.send_header("ETag", self.server.tag)
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
        running.tag, running.moved = '"first"', "http://example.org/data.bin"
        running.url = f"http://127.0.0.1:{running.server_port}"
        threading.Thread(
            target=functools.partial(running.serve_forever, poll_interval=0.01), daemon=True
        ).start()
        yield running
        running.shutdown()


def names_in(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != LOCK)


def test_download_once(server, tmp_path):
    seen = []
    progress = lambda have, total: seen.append((have, total))  # noqa: E731
    path = download(f"{server.url}/a/my%20data.bin?x=1", DIGEST.upper(), tmp_path / "new", progress)
    assert path == tmp_path / "new" / "my data.bin"
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert names_in(path.parent) == [path.name]
    assert download(f"{server.url}/a/my%20data.bin", DIGEST, tmp_path / "new") == path
    assert len(server.ranges) == 1


@pytest.mark.parametrize("resumes", [True, False])
def test_cut_short_then_continued(server, tmp_path, resumes):
    server.break_after, server.resumes = 3000, resumes
    with pytest.raises(InputError, match="try again"):
        download(f"{server.url}/data.bin", DIGEST, tmp_path)
    assert names_in(tmp_path) == ["data.bin.part", "data.bin.tag"]
    assert download(f"{server.url}/data.bin", DIGEST, tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=3000-"]
    assert names_in(tmp_path) == ["data.bin"]


@pytest.mark.parametrize("tag", ['"second"', 'W/"weak"', ""])
def test_what_may_have_changed_is_not_continued(server, tmp_path, tag):
    server.break_after = 3000
    with pytest.raises(InputError, match="try again"):
        download(f"{server.url}/data.bin", None, tmp_path)
    (tmp_path / "data.bin.part").write_bytes(b"old" * 1000)
    server.tag, server.break_after = tag, 4000
    with pytest.raises(InputError, match="try again"):
        download(f"{server.url}/data.bin", None, tmp_path)
    assert (tmp_path / "data.bin.part").read_bytes() == CONTENT[:4000]
    assert download(f"{server.url}/data.bin", None, tmp_path).read_bytes() == CONTENT
    assert server.ranges[-1] == ("bytes=4000-" if tag == '"second"' else None)


@pytest.mark.parametrize("place", ["http://example.org/a", "ftp://example.org/a", "file:///etc/a"])
def test_redirects_stay_on_https(server, tmp_path, place):
    server.moved = place
    with pytest.raises(InputError, match="302 .*(which is not https|is not allowed)"):
        download(f"{server.url}/moved.bin", None, tmp_path)
    with pytest.raises(InputError, match="not https"):
        download(place, None, tmp_path)
    server.moved = f"{server.url}/data.bin"
    assert download(f"{server.url}/moved.bin", DIGEST, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "name", ["checksums.json", "a.part", "..%5Cx", "%2e%2e", ".hidden", "NUL.txt", "a%1b%5b31m"]
)
def test_names_that_cannot_be_kept_are_refused(tmp_path, name):
    with pytest.raises(InputError, match="by hand"):
        download(f"https://example.org/{name}", None, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_table_that_is_none_is_refused(server, tmp_path):
    (tmp_path / "checksums.json").write_text("[1]")
    with pytest.raises(InputError, match="checksums.json: damaged"):
        download(f"{server.url}/data.bin", None, tmp_path)


def test_a_whole_part_or_a_longer_one_is_fetched_again(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(CONTENT + b"more")
    (tmp_path / "data.bin.tag").write_text('"first"')
    assert download(f"{server.url}/data.bin", DIGEST, tmp_path).read_bytes() == CONTENT


def test_wrong_checksum_leaves_nothing(server, tmp_path):
    with pytest.raises(InputError, match=f"data.bin has SHA-256 {DIGEST[:12]}.*expected 0000"):
        download(f"{server.url}/data.bin", "0" * 64, tmp_path)
    assert names_in(tmp_path) == []


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
    assert names_in(tmp_path) == []


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
