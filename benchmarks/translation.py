"""Training and decoding speed of translation, compared with JoeyNMT on the same data.

    python benchmarks/translation.py --data MULTI30K --joeynmt-python ENV/bin/python --json FILE
    python benchmarks/translation.py --data MULTI30K --quick

Both read the same subwords and train models of the same sizes (a bidirectional LSTM, an LSTM
decoder with multiplicative attention, one table for source, target and softmax) with the same
optimizer, dropout and batch size. They run in turn, in separate processes with the same number of
threads, and then decode the same sentences. The trained preset is measured with LiteRT int8, one
sentence at a time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # installed or not

from benchmarks.common import Worker, available, machine, serve, table
from shared.files import write_json, write_text
from shared.readers import read_json

# JoeyNMT can tie softmax and embeddings only where both are as wide as the decoder.
SIZES = {
    "width": 256,
    "dropout": 0.3,
    "label_smoothing": 0.1,
    "learning_rate": 0.002,
    "clip_norm": 5.0,
    "batch_tokens": 1200,
    "sentences_at_once": 64,
    "longest": 64,
    "fixed": 13,  # about as many as a sentence has; models of a minute's training write otherwise
    "vocabulary": 6000,
}
DIRECTION = ("en", "de")
ROWS = {"ours": "ours", "joeynmt": "JoeyNMT"}
TASKS = {"train": "training, target subwords/s", "greedy": "greedy, sentences/s",
         "beam": "beam 5, sentences/s",
         "fixed": f"beam 5, {SIZES['fixed']} subwords for each sentence, sentences/s"}  # fmt: skip
DECODING = (("greedy", 1, False), ("beam", 5, False), ("fixed", 5, True))  # beam, length fixed


def write_data(data: str, folder: Path) -> None:
    """The same subwords for both: texts for one, lines of pieces for the other."""
    from apps.translation.data import load
    from shared.text import train_tokenizer

    splits = {name: load(data, name, [DIRECTION]) for name in ("train", "valid")}
    texts = dict.fromkeys(text for pair in splits["train"] for text in pair[:2])
    tokenizer = train_tokenizer(list(texts), folder / "tokenizer.model", SIZES["vocabulary"])
    for split, pairs in splits.items():
        for side, name in enumerate(("src", "trg")):
            ids = tokenizer.encode_all([pair[side] for pair in pairs])
            lines = "".join(" ".join(tokenizer.pieces(row)) + "\n" for row in ids)
            write_text(folder / f"{split}.{name}", lines)
    pieces = tokenizer.pieces(range(4, tokenizer.vocabulary))
    write_text(folder / "vocabulary.txt", "\n".join(["<unk>", "<pad>", "<s>", "</s>", *pieces]))
    write_json(folder / "sizes.json", {**SIZES, "data": data})


class Ours:
    """The suite's half, with the methods of `benchmarks.translation_joeynmt.JoeyNMT`."""

    def __init__(self, folder: str, threads: int) -> None:
        import tensorflow as tf

        if threads:  # 0: as they are
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        self.folder = Path(folder)
        self.sizes = read_json(self.folder / "sizes.json")

    def prepare(self) -> dict[str, Any]:
        """Data and model; what they are."""
        import keras
        import tensorflow as tf

        from apps.translation.config import TranslationConfig
        from apps.translation.data import load
        from apps.translation.model import TranslationModel
        from shared.text import Tokenizer
        from shared.training import FitOptions
        from shared.training.memory import keep_freed_memory
        from shared.training.optimizer import make_optimizer

        keep_freed_memory()  # as `fit` does
        keras.utils.set_random_seed(0)
        sizes, width = self.sizes, self.sizes["width"]
        self.tokenizer = Tokenizer(self.folder / "tokenizer.model")
        self.pairs = load(sizes["data"], "train", [DIRECTION])
        self.valid = load(sizes["data"], "valid", [DIRECTION])
        self.config = TranslationConfig(
            vocabulary=self.tokenizer.vocabulary,
            embedding=width,
            encoder_units=(width // 2,),
            decoder_units=(width,),
            label_smoothing=sizes["label_smoothing"],
            **dict.fromkeys(
                ("embedding_dropout", "context_dropout", "output_dropout"), sizes["dropout"]
            ),
        )
        self.model = TranslationModel(self.config)
        options = FitOptions(
            optimizer="adam",
            learning_rate=sizes["learning_rate"],
            clip_norm=sizes["clip_norm"],
        )
        optimizer = make_optimizer(options, self.model.trainable_variables)
        self.model.compile(optimizer=optimizer, jit_compile=False)
        self.model.make_train_function()
        self.epoch, self.batches, self.generator = 0, iter(()), None
        seen: set[int] = set()  # a compilation for each length, which an hour's training forgets
        for batch in self._epoch():
            if (length := batch["source"].shape[1]) not in seen:
                seen.add(length)
                self._step(batch)
        return {"version": f"TensorFlow {tf.__version__}", "weights": self.model.count_params()}

    def _epoch(self) -> Any:
        from apps.translation.batches import pipeline

        self.epoch += 1
        return pipeline(self.pairs, self.tokenizer, self.sizes["batch_tokens"], 0, self.epoch)

    def _step(self, batch: Any) -> None:
        float(self.model.train_function(iter([(batch,)]))["loss"])

    def train(self, seconds: float) -> list[float]:
        """Target subwords, and the seconds that they took, batches included."""
        tokens = 0
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            batch = next(self.batches, None)
            if batch is None:
                self.batches = iter(self._epoch())
                continue
            self._step(batch)
            tokens += int(batch["mask"].numpy().sum())
        return [tokens, time.perf_counter() - start]

    def decode(self, beam: int, sentences: int, fixed: bool) -> list[float]:
        """Sentences, subwords written, and seconds; the second call finds all traced."""
        from apps.translation.model import buckets
        from apps.translation.search import translate
        from shared.decoding import DecodingOptions

        options = DecodingOptions(
            strategy="beam" if beam > 1 else "greedy",
            beam_size=beam,
            length_penalty=1.0,
            min_length=self.sizes["fixed"] if fixed else 1,
            max_length=self.sizes["fixed" if fixed else "longest"],
        )
        self.generator = self.generator or buckets(self.model)
        texts = [pair.source for pair in self.valid[:sentences]]
        start = time.perf_counter()
        found = translate(
            self.generator, self.config, self.tokenizer, texts, ["de"] * len(texts), options
        )
        seconds = time.perf_counter() - start
        return [len(texts), sum(len(one[0].pieces) for one in found), seconds]


def litert(preset: str, sentences: Sequence[str], rounds: int) -> dict[str, float]:
    """Milliseconds per sentence of the shipped int8 bundle, one thread, one at a time."""
    from apps.translation.translate import Translator

    translator = Translator.from_preset(preset)
    result = {}
    for name, beam in (("greedy", 1), ("beam", 5)):
        times = []
        for text in list(sentences) * rounds:
            start = time.perf_counter()
            translator(text, to="de", source_language="en", beam_size=beam)
            times.append(1e3 * (time.perf_counter() - start))
        result[name] = median(times)
    return result


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All of it; ``folder`` is for the data that both read."""
    write_data(options.data, folder)
    rows = {"ours": ("benchmarks.translation", sys.executable)}
    if available(options.joeynmt_python, "joeynmt"):
        rows["joeynmt"] = ("benchmarks.translation_joeynmt", options.joeynmt_python)
    else:
        print("JoeyNMT is skipped: see benchmarks/requirements_joeynmt.txt and --joeynmt-python.",
              file=sys.stderr)  # fmt: skip
    facts, speeds, written = {}, {}, {}
    with ExitStack() as stack:
        workers = {}
        for row, (module, python) in rows.items():
            words = ["--worker"] if row == "ours" else []
            workers[row] = Worker(module, *words, str(folder), str(options.threads), python=python)
            stack.callback(workers[row].close)
            facts[row] = workers[row].ask("prepare")
        turns: dict[tuple[str, str], list[float]] = {(r, t): [] for r in rows for t in TASKS}
        for _ in range(options.rounds):
            for row, worker in workers.items():
                tokens, seconds = worker.ask("train", options.seconds)
                turns[row, "train"].append(tokens / seconds)
        for task, beam, fixed in DECODING:
            for turn in range(3):
                for row, worker in workers.items():
                    count, subwords, seconds = worker.ask("decode", beam, options.sentences, fixed)
                    if turn:  # the first one warms up
                        turns[row, task].append(count / seconds)
                    written[f"{row} {task}"] = subwords / count
        speeds = {row: {task: median(turns[row, task]) for task in TASKS} for row in rows}
    result: dict[str, Any] = {"facts": facts, "speeds": speeds, "subwords_per_sentence": written}
    if "joeynmt" in rows:
        result["ratios"] = {t: speeds["ours"][t] / speeds["joeynmt"][t] for t in TASKS}
    return result


def shown(result: dict[str, Any]) -> str:
    """The table."""
    rows = list(result["speeds"])
    ratios = result.get("ratios", {})
    header = ["", *(ROWS[row] for row in rows), "ratio"]
    return table(
        header,
        [
            [what, *(result["speeds"][row][task] for row in rows), ratios.get(task)]
            for task, what in TASKS.items()
        ],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Translation beside JoeyNMT.")
    parser.add_argument("--data", default="multi30k", help="as for train translation")
    parser.add_argument("--joeynmt-python", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--preset", default="tatoeba", help="for LiteRT")
    parser.add_argument("--json", metavar="FILE", help="write machine and figures")
    parser.add_argument("--quick", action="store_true", help="less training, fewer sentences")
    parser.add_argument("--rounds", type=int, default=6, help="training turns of each")
    parser.add_argument("--seconds", type=float, default=20.0, help="of a training turn")
    parser.add_argument("--sentences", type=int, default=512, help="to decode")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        serve(lambda: Ours(options.worker[0], int(options.worker[1])))
        return 0
    if options.quick:
        options.rounds, options.seconds, options.sentences = 2, 10.0, 128
    facts = machine()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options, Path(folder))
    print(shown(result))
    for name, count in result["subwords_per_sentence"].items():
        print(f"{name}: {count:.1f} subwords per sentence")
    from apps.translation.data import load
    from shared.errors import InputError

    try:
        texts = [pair.source for pair in load(options.data, "valid", [DIRECTION])[:50]]
        result["litert_int8_ms_per_sentence"] = litert(options.preset, texts, 2)
        for name, ms in result["litert_int8_ms_per_sentence"].items():
            print(f"LiteRT int8, {name}: {ms:.1f} ms per sentence, one thread")
    except InputError as error:
        print(error, file=sys.stderr)
    if options.json:
        write_json(options.json, {"machine": facts, **result})
    return 0


if __name__ == "__main__":
    sys.exit(main())
