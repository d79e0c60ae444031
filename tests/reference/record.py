"""Records what tensorflow-addons computes, for the tests of this folder to hold ours to.

It needs an environment of its own (Python 3.11; these versions do not fit a current Keras):

    python3.11 -m venv oracle
    oracle/bin/pip install -r tests/reference/requirements.txt
    oracle/bin/python tests/reference/record.py

Every case is one small `.npz` in `data/`: inputs, weights and outputs, by name. All numbers come
from one seed, so a second run writes the same ones.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa
from tensorflow_addons.seq2seq.attention_wrapper import AttentionWrapperState

DATA = Path(__file__).parent / "data"
rng = np.random.default_rng(1997)


def normal(*shape, scale=0.7):
    return rng.normal(scale=scale, size=shape).astype("float32")


def save(name, **arrays):
    DATA.mkdir(exist_ok=True)
    np.savez_compressed(DATA / f"{name}.npz", **{k: np.asarray(v) for k, v in arrays.items()})
    print(f"{name}: {(DATA / name).with_suffix('.npz').stat().st_size} bytes")


def randomize(layer, names):
    """New random weights, so that no gain is 1 and no bias 0; returned by the given names."""
    weights = [normal(*w.shape) for w in layer.get_weights()]
    assert len(weights) == len(names), [w.name for w in layer.weights]
    layer.set_weights(weights)
    return dict(zip(names, weights, strict=True))


def record_cell(name, cell, names):
    inputs, h, c = (tf.constant(normal(*shape)) for shape in ((3, 5, 4), (3, 6), (3, 6)))
    rnn = tf.keras.layers.RNN(cell, return_sequences=True, return_state=True)
    rnn(inputs, initial_state=[h, c])
    weights = randomize(cell, names)
    outputs, last_h, last_c = rnn(inputs, initial_state=[h, c])
    save(name, inputs=inputs, h=h, c=c, outputs=outputs, last_h=last_h, last_c=last_c, **weights)


LSTM_WEIGHTS = ["kernel", "recurrent_kernel", "bias"]
LENGTHS = np.array([6, 3, 1], "int32")  # of the memory


def attention_names(mechanism):
    """Names of `get_weights()`, by what each weight is."""
    names = {id(mechanism.memory_layer.kernel): "memory_kernel"}
    if mechanism.query_layer:
        names[id(mechanism.query_layer.kernel)] = "query_kernel"
    return [names.get(id(w)) or w.name.split("/attention_")[-1][0] for w in mechanism.weights]


def set_up(mechanism, memory, query_units):
    """Builds the mechanism and gives it random weights; the memory is projected anew."""
    lengths = tf.constant(LENGTHS)
    mechanism([memory, lengths], setup_memory=True)
    mechanism([tf.zeros((3, query_units)), tf.zeros(memory.shape[:2])])
    weights = randomize(mechanism, attention_names(mechanism))
    mechanism([memory, lengths], setup_memory=True)
    return weights


def record_attention(name, mechanism):
    memory, query = tf.constant(normal(3, 6, 5)), normal(3, 4)
    weights = set_up(mechanism, memory, 4)
    alignments, _ = mechanism([tf.constant(query), tf.zeros((3, 6))])
    save(name, memory=memory, lengths=LENGTHS, query=query, alignments=alignments, **weights)


def record_wrapper(name, mechanism, **options):
    memory, inputs = tf.constant(normal(3, 6, 5)), normal(3, 7, 3)
    weights = set_up(mechanism, memory, 4)
    cell = tf.keras.layers.LSTMCell(4)
    wrapper = tfa.seq2seq.AttentionWrapper(cell, mechanism, alignment_history=True, **options)
    state = wrapper.get_initial_state(batch_size=3, dtype=tf.float32)
    wrapper(tf.constant(inputs[:, 0]), state)
    weights |= randomize(cell, LSTM_WEIGHTS)
    for layer in wrapper._attention_layers or []:
        weights |= randomize(layer, ["attention_kernel"])
    h, c = normal(3, 4), normal(3, 4)
    state = wrapper.get_initial_state(batch_size=3, dtype=tf.float32)
    state = state.clone(cell_state=[tf.constant(h), tf.constant(c)])
    outputs = []
    for t in range(inputs.shape[1]):
        output, state = wrapper(tf.constant(inputs[:, t]), state)
        outputs.append(output)
    save(
        name,
        memory=memory,
        lengths=LENGTHS,
        inputs=inputs,
        h=h,
        c=c,
        outputs=np.stack(outputs, 1),
        alignments=np.swapaxes(state.alignment_history.stack(), 0, 1),
        attention=state.attention,
        last_h=state.cell_state[0],
        last_c=state.cell_state[1],
        **weights,
    )


class TableCell(tf.keras.layers.AbstractRNNCell):
    """A toy model: logits and attention of a row at a step after a symbol, read from tables.

    Its state looks like an AttentionWrapper's, because the coverage penalty asks for that.
    """

    def __init__(self, logits, attention):
        super().__init__()
        self.logits, self.attention = tf.constant(logits), tf.constant(attention)

    @property
    def output_size(self):
        return self.logits.shape[-1]

    @property
    def state_size(self):
        return AttentionWrapperState(
            cell_state=(1, 1),
            attention=1,
            alignments=self.attention.shape[-1],
            alignment_history=(),
            attention_state=(),
        )

    def call(self, inputs, state):
        row, time = state.cell_state
        place = tf.concat([tf.cast(row, tf.int32), tf.cast(time, tf.int32)], 1)
        place = tf.concat([place, tf.argmax(inputs, -1, tf.int32)[:, None]], 1)
        state = state._replace(
            cell_state=(row, time + 1), alignments=tf.gather_nd(self.attention, place)
        )
        return tf.gather_nd(self.logits, place), state


def record_beam_search(name, beam, **options):
    rows, steps, symbols, places, start, end = 4, 12, 6, 5, 0, 1
    logits = normal(rows, steps, symbols, symbols, scale=1.5)
    # An end that grows likely, so that every hypothesis finishes, at different lengths.
    logits[..., end] += np.linspace(-1.0, 9.0, steps)[None, :, None]
    attention = rng.dirichlet(np.full(places, 0.5), (rows, steps, symbols)).astype("float32")
    cell = TableCell(logits, attention)
    decoder = tfa.seq2seq.BeamSearchDecoder(
        cell,
        beam_width=beam,
        embedding_fn=lambda ids: tf.one_hot(ids, symbols),
        maximum_iterations=steps,
        **options,
    )
    row = tf.repeat(tf.range(rows, dtype=tf.float32), beam)[:, None]
    state = AttentionWrapperState(
        cell_state=(row, tf.zeros_like(row)),
        attention=tf.zeros_like(row),
        alignments=tf.zeros((rows * beam, places)),
        alignment_history=(),
        attention_state=(),
    )
    result, last, _ = decoder(
        None, start_tokens=tf.fill([rows], start), end_token=end, initial_state=state
    )
    assert np.all(last.finished)
    save(
        name,
        logits=logits,
        attention=attention,
        start=start,
        end=end,
        beam=beam,
        **options,
        symbols=result.predicted_ids,  # (rows, steps, beam)
        log_probabilities=last.log_probs,
        lengths=last.lengths,
        scores=result.beam_search_decoder_output.scores[:, -1],
    )


def record_sequence_loss():
    logits = normal(4, 6, 5, scale=2.0)
    targets = rng.integers(0, 5, (4, 6)).astype("int32")
    mask = (np.arange(6)[None] < np.array([6, 4, 1, 3])[:, None]).astype("float32")
    weights = (mask * rng.uniform(0.2, 2.0, mask.shape)).astype("float32")
    arrays = dict(logits=logits, targets=targets, mask=mask, weights=weights)
    for given in ("mask", "weights"):
        for kind in ("average", "sum"):
            for axes in ("timesteps batch", "timesteps", "batch", ""):
                flags = {
                    f"{k}_{'over' if k == 'sum' else 'across'}_{axis}": k == kind
                    and axis in axes.split()
                    for k in ("average", "sum")
                    for axis in ("timesteps", "batch")
                }
                loss = tfa.seq2seq.sequence_loss(logits, targets, arrays[given], **flags)
                arrays["_".join([given, kind, *axes.split()])] = loss.numpy()
    save("sequence_loss", **arrays)


def main():
    peepholes = [f"{gate}_gate_peephole" for gate in ("input", "forget", "output")]
    record_cell("peephole_lstm", tfa.rnn.PeepholeLSTMCell(6), LSTM_WEIGHTS + peepholes)
    norms = [f"{n}_{w}" for n in ("kernel", "recurrent", "state") for w in ("gamma", "beta")]
    record_cell("layer_norm_lstm", tfa.rnn.LayerNormLSTMCell(6), LSTM_WEIGHTS + norms)

    bahdanau, luong = tfa.seq2seq.BahdanauAttention, tfa.seq2seq.LuongAttention
    record_attention("bahdanau", bahdanau(7))
    record_attention("bahdanau_normalized", bahdanau(7, normalize=True))
    record_attention("luong", luong(4))
    record_attention("luong_scaled", luong(4, scale=True))
    record_wrapper("wrapper_luong", luong(4, scale=True), attention_layer_size=8)
    record_wrapper("wrapper_bahdanau", bahdanau(7, normalize=True), output_attention=False)

    record_beam_search("beam_plain", 4)
    record_beam_search("beam_length", 4, length_penalty_weight=0.9)
    record_beam_search("beam_coverage", 5, length_penalty_weight=0.6, coverage_penalty_weight=0.4)
    record_sequence_loss()


if __name__ == "__main__":
    main()
