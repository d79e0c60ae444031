"""JoeyNMT's half of `benchmarks/translation.py`: the same three measurements with its own code.

It runs in an environment of its own (benchmarks/requirements_joeynmt.txt) and imports nothing of
the suite except `benchmarks.common`. Training step, sampler, clipping and search are JoeyNMT's,
called in the order of its own training loop.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.common import serve


def config(folder: Path, sizes: dict[str, Any]) -> dict[str, Any]:
    """Returns the content of a JoeyNMT configuration file."""
    language = {
        "level": "word",  # the files hold subwords already, with spaces between
        "max_length": 1000,
        "voc_min_freq": 1,
        "voc_file": str(folder / "vocabulary.txt"),
    }
    dropout = sizes["dropout"]
    embeddings = {"embedding_dim": sizes["width"], "scale": False, "dropout": dropout}
    return {
        "name": "benchmark",
        "model_dir": str(folder / "model"),
        "use_cuda": False,
        "random_seed": 0,
        "data": {
            "train": str(folder / "train"),
            "dev": str(folder / "valid"),
            "dataset_type": "plain",
            "src": {"lang": "src", **language},
            "trg": {"lang": "trg", **language},
        },
        "training": {
            "optimizer": "adam",
            "learning_rate": sizes["learning_rate"],
            "clip_grad_norm": sizes["clip_norm"],
            "loss": "crossentropy",
            "label_smoothing": sizes["label_smoothing"],
            "batch_size": sizes["batch_tokens"],
            "batch_type": "token",
            "normalization": "tokens",
            "scheduling": "exponential",  # never stepped: the rate is constant
            "epochs": 1000,
            "shuffle": True,
            "overwrite": True,
        },
        "testing": {"batch_size": sizes["sentences_at_once"], "batch_type": "sentence"},
        "model": {
            "initializer": "xavier_uniform",
            "embed_initializer": "normal",
            "embed_init_weight": sizes["width"] ** -0.5,
            "bias_initializer": "zeros",
            "init_rnn_orthogonal": True,
            "lstm_forget_gate": 1.0,
            "tied_embeddings": True,
            "tied_softmax": True,
            "encoder": {
                "type": "recurrent",
                "rnn_type": "lstm",
                "embeddings": embeddings,
                "hidden_size": sizes["width"] // 2,
                "bidirectional": True,
                "num_layers": 1,
                "dropout": dropout,
            },
            "decoder": {
                "type": "recurrent",
                "rnn_type": "lstm",
                "embeddings": embeddings,
                "hidden_size": sizes["width"],
                "num_layers": 1,
                "dropout": dropout,
                "hidden_dropout": dropout,
                "init_hidden": "bridge",
                "input_feeding": False,
                "attention": "luong",
            },
        },
    }


class JoeyNMT:
    """A model in training, for `serve`."""

    def __init__(self, folder: str, threads: int) -> None:
        import json

        import torch

        torch.set_num_threads(threads)
        self.folder = Path(folder)
        self.sizes = json.loads((self.folder / "sizes.json").read_text())

    def prepare(self) -> dict[str, Any]:
        """Data and model; what they are."""
        from importlib.metadata import version

        from joeynmt.config import parse_global_args, set_validation_args
        from joeynmt.prediction import prepare
        from joeynmt.training import TrainManager

        (self.folder / "model").mkdir(exist_ok=True)
        args = parse_global_args(config(self.folder, self.sizes), rank=0, mode="train")
        self.model, self.data, self.valid, _ = prepare(args, rank=0, mode="train")
        self.trainer = TrainManager(
            model=self.model,
            model_dir=args.model_dir,
            device=args.device,
            rank=0,
            autocast=args.autocast,
            seed=args.seed,
            train_args=args.train,
            dev_args=set_validation_args(args.test),
        )
        self.epoch, self.batches = 0, iter(())
        weights = sum(p.numel() for p in self.model.parameters())
        return {"version": f"JoeyNMT {version('joeynmt')}", "weights": weights}

    def _batch(self) -> Any:
        batch = next(self.batches, None)
        while batch is None:
            self.epoch += 1
            loader = self.data.make_iter(
                batch_size=self.sizes["batch_tokens"],
                batch_type="token",
                seed=self.epoch,
                shuffle=True,
                device=self.trainer.device,
                eos_index=self.model.eos_index,
                pad_index=self.model.pad_index,
            )
            self.batches = iter(loader)
            batch = next(self.batches, None)
        return batch

    def train(self, seconds: float) -> list[float]:
        """Target subwords, and the seconds that they took, batches included."""
        trainer, tokens = self.trainer, 0
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            batch = self._batch()
            trainer._train_step(batch)
            trainer.clip_grad_fun(parameters=self.model.parameters())
            trainer.optimizer.step()
            self.model.zero_grad()
            tokens += int(batch.ntokens)
        return [tokens, time.perf_counter() - start]

    def decode(self, beam: int, sentences: int, fixed: bool) -> list[float]:
        """Sentences, subwords written, and seconds."""
        from joeynmt.search import search

        self.model.eval()
        loader = self.valid.make_iter(
            batch_size=self.sizes["sentences_at_once"],
            eos_index=self.model.eos_index,
            pad_index=self.model.pad_index,
            device=self.trainer.device,
        )
        done = written = 0
        start = time.perf_counter()
        for batch in loader:
            batch.sort_by_src_length()
            output, _, _ = search(
                model=self.model,
                batch=batch,
                beam_size=beam,
                beam_alpha=1.0,
                min_output_length=self.sizes["fixed"] if fixed else 1,
                max_output_length=self.sizes["fixed" if fixed else "longest"],
                autocast=self.trainer.autocast,
            )
            ends = (self.model.eos_index, self.model.pad_index)
            done += len(output)
            written += sum(int(i) not in ends for row in output for i in row)
            if done >= sentences:
                break
        return [done, written, time.perf_counter() - start]


if __name__ == "__main__":
    serve(lambda: JoeyNMT(sys.argv[1], int(sys.argv[2])))
