"""What the application is: the module that the registry names."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from apps.verbs.arguments import add_model_arguments, add_seed
from shared import application as suite
from shared.datasets.split import part_of
from shared.decoding import DecodingOptions, decode
from shared.decoding.likelihood import score
from shared.presets.store import assign_weights
from shared.readers import read_text

CHARACTERS = "\n" + "".join(map(chr, range(32, 127)))
END = 0  # of a line; also what every line begins after
DECODING = {"strategy": "sample", "temperature": 0.7, "max_length": 300}


@dataclass(frozen=True)
class Config:
    """The sizes of a model.

    Args:
        embedding: Size of a character's embedding.
        units: Units of each LSTM layer, from the bottom up.
        dropout: Rate between layers.
    """

    embedding: int = 32
    units: tuple[int, ...] = (192, 192)
    dropout: float = 0.2


@dataclass(frozen=True)
class Data:
    """Where text is, and how batches are made of it.

    Args:
        data: A text file in English, a passage on each line.
        batch: Excerpts of a batch.
        length: Characters of an excerpt.
    """

    data: str = str(Path(__file__).with_name("proverbs.txt"))
    batch: int = 32
    length: int = 128


def symbols_of(text):
    """The places of the characters in `CHARACTERS`, int32; of an unknown one that of a space."""
    return np.array([CHARACTERS.find(c) if c in CHARACTERS else 1 for c in text], np.int32)


def excerpts(lines, data, seed):
    """One epoch: ``inputs`` and ``targets`` ``(batches, batch, length)``, at random places."""
    symbols = symbols_of("\n" + "\n".join(lines) + "\n")
    count = max(1, len(symbols) // (data.batch * data.length))
    first = np.random.default_rng(seed).integers(0, len(symbols), (count, data.batch, 1))
    rows = symbols[(first + np.arange(data.length + 1)) % len(symbols)]
    return {"inputs": rows[:, :, :-1], "targets": rows[:, :, 1:]}


def write(generator, options):
    """Writes a line, or as many characters as the options allow."""
    [[found]] = decode(generator, generator.encode({}), start=END, end=END, options=options)
    return "".join(CHARACTERS[symbol] for symbol in found.symbols)


class Prose(suite.Application):
    """Writes lines like those of a text, character by character."""

    name, default_preset, unit = "prose", "proverbs", "lines"
    config_class, source_class, data_class = Config, Data, Data
    verbs = {"prose": "write a line"}
    recipes = {
        "base": suite.Stage(Config(), suite.FitOptions(epochs=40, learning_rate=3e-3), Data()),
        "tiny": suite.Stage(Config(8, (16, 16), 0.0), suite.FitOptions(epochs=2), Data(batch=8)),
    }

    def commands(self):
        def run(args):
            generator = self.open(args.preset, args.backend).generator
            print(write(generator, DecodingOptions(**DECODING, seed=args.seed)))

        def trace(args, opened):
            gates = opened.generator.model.gates(symbols_of("\n" + args.line)[None])
            return suite.Trace([g[0].numpy() for g in gates], args.line, list(" " + args.line))

        return {
            "prose": suite.Verb(lambda sub: (add_model_arguments(sub), add_seed(sub)), run),
            "inspect": suite.Verb(lambda sub: sub.add_argument("line"), trace),
        }

    def build(self, config):
        from docs.examples.prose.model import ProseModel

        return ProseModel(config, len(CHARACTERS))

    def read(self, source, split, config):
        return part_of(read_text(source.data).splitlines(), split, source.data)

    def prepare(self, stage, folder, start):
        import tensorflow as tf

        lines, held = (self.read(stage.data, part, stage.config) for part in ("train", "valid"))
        model = self.build(stage.config)
        if start:
            assign_weights(model, start)

        def epoch(number, lines=lines, seed=stage.fit.seed):
            return tf.data.Dataset.from_tensor_slices(excerpts(lines, stage.data, (seed, number)))

        steps, text = stage.fit.epochs * int(epoch(0).cardinality()), f"{len(lines)} lines"
        return suite.Training(stage.config, model, epoch, steps, epoch(0, held), held, text)

    def card(self, config, data, tuned):
        return suite.Card(
            *("Prose", "Writes lines, character by character.", "", "It knows one text."),
            *("other", "The license is that of the text.", False, (Path(data.data).name,)),
        )

    def figures(self, opened, items, progress=lambda count: None):
        losses = []
        for symbols in (symbols_of(line + "\n")[None] for line in items):
            state = opened.generator.encode({})
            losses.append(score(opened.generator, state, symbols, start=END)[0])
        return {"bits_per_char": float(np.concatenate(losses).mean() / np.log(2))}

    def bundle_facts(self, opened):
        return suite.BundleFacts(DECODING, {"end": END}, {"symbol": "place in " + repr(CHARACTERS)})

    def example(self, config):
        return suite.Example({}, [{"symbol": s[None]} for s in symbols_of("wisdom")])

    def generate(self, generator, config, greedy=False):
        return write(generator, DecodingOptions(strategy="sample", min_length=40, max_length=40))

    def random_batch(self, config, rng):
        return {name: rows[0] for name, rows in excerpts(["wisdom"], Data(), 0).items()}


PROSE = Prose()
