import threading
import urllib.error
import urllib.request

import pytest

from apps.verbs.web import page_server
from shared.errors import InputError


@pytest.fixture
def page(tmp_path):
    for name in ("page/index.html", "page/wasm/a.wasm", "page/app.js", "bundles/m/bundle.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_the_page_and_the_bundles_are_served_on_this_machine_alone(page):
    with page_server(0, page / "page", page / "bundles") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.server_address
        assert host == "127.0.0.1"

        def get(path):
            with urllib.request.urlopen(f"http://{host}:{port}{path}") as response:
                return response.read().decode(), response.headers["Content-Type"]

        assert get("/") == ("page/index.html", "text/html")
        assert get("/app.js")[1] == "text/javascript"
        assert get("/wasm/a.wasm")[1] == "application/wasm"
        assert get("/models/m/bundle.json?1")[0] == "bundles/m/bundle.json"
        with pytest.raises(urllib.error.HTTPError):
            get("/models/../../bundles/m/bundle.json")
        with pytest.raises(InputError, match="--port"):
            page_server(port, page / "page", page / "bundles")
        server.shutdown()


def test_a_page_that_is_not_built_is_one_line(tmp_path):
    with pytest.raises(InputError, match="make web"):
        page_server(0, tmp_path)
