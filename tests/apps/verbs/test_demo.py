from html.parser import HTMLParser

from apps.verbs.demo import page
from shared.application import Sample


class Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.sources, self.kinds = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.kinds.append(tag)
        self.sources += [v for k, v in attributes if k in ("src", "href")]


def test_the_page_holds_everything_and_escapes_what_it_is_given(tmp_path):
    names = ("a.png", "a.wav", "a.mid", "a.svg")
    for name in names:
        (tmp_path / name).write_bytes(b"content")
    made = tuple((tmp_path / name, f"<caption {name}>") for name in names)
    text = page([Sample("A <title>", "lstm-suite & more", "given", made)])
    links = Links(text)
    assert len(links.sources) == 4 and all(s.startswith("data:") for s in links.sources)
    assert links.kinds.count("img") == 2 and links.kinds.count("audio") == 1
    assert "<caption" not in text and "A &lt;title&gt;" in text and "&amp; more" in text
