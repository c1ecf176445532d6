"""The part of llama.cpp that a service needs, through ctypes.

The structs are those of release 0.5.0. A call into the library gives up the
interpreter's lock, as ctypes does.
"""

import ctypes
import glob
import os
from ctypes import POINTER, c_bool, c_char_p, c_float, c_int8, c_int32, c_uint32, c_void_p


class ModelParams(ctypes.Structure):
    _fields_ = [
        ("devices", c_void_p), ("overrides", c_void_p), ("gpu_layers", c_int32), ("split_mode", c_int32),
        ("load_mode", c_int32), ("lazy_mode", c_int32), ("main_gpu", c_int32), ("tensor_split", c_void_p),
        ("progress", c_void_p), ("progress_data", c_void_p), ("kv_overrides", c_void_p), ("flags", c_bool * 6),
    ]


class ContextParams(ctypes.Structure):
    _fields_ = [
        ("context_tokens", c_uint32), ("batch_tokens", c_uint32), ("microbatch_tokens", c_uint32),
        ("sequences", c_uint32), ("recurrent_snapshots", c_uint32), ("outputs", c_uint32),
        ("outputs_per_sequence", c_uint32), ("threads", c_int32), ("batch_threads", c_int32),
        ("kinds", c_int32 * 5), ("factors", c_float * 6), ("yarn_context", c_uint32), ("defrag", c_float),
        ("eval_callback", c_void_p), ("eval_data", c_void_p), ("type_k", c_int32), ("type_v", c_int32),
        ("abort_callback", c_void_p), ("abort_data", c_void_p), ("embeddings", c_bool), ("offload_kqv", c_bool),
        ("no_perf", c_bool), ("op_offload", c_bool), ("swa_full", c_bool), ("kv_unified", c_bool),
        ("samplers", c_void_p), ("sampler_count", ctypes.c_size_t), ("other_context", c_void_p),
    ]


class CBatch(ctypes.Structure):
    _fields_ = [
        ("n_tokens", c_int32), ("token", POINTER(c_int32)), ("embd", c_void_p), ("pos", POINTER(c_int32)),
        ("n_seq_id", POINTER(c_int32)), ("seq_id", POINTER(POINTER(c_int32))), ("logits", POINTER(c_int8)),
    ]


class ChainParams(ctypes.Structure):
    _fields_ = [("no_perf", c_bool)]


SIGNATURES = {
    "llama_backend_init": (None, []),
    "llama_model_default_params": (ModelParams, []),
    "llama_context_default_params": (ContextParams, []),
    "llama_model_load_from_file": (c_void_p, [c_char_p, ModelParams]),
    "llama_model_get_vocab": (c_void_p, [c_void_p]),
    "llama_init_from_model": (c_void_p, [c_void_p, ContextParams]),
    "llama_get_memory": (c_void_p, [c_void_p]),
    "llama_memory_seq_rm": (c_bool, [c_void_p, c_int32, c_int32, c_int32]),
    "llama_batch_init": (CBatch, [c_int32, c_int32, c_int32]),
    "llama_decode": (c_int32, [c_void_p, CBatch]),
    "llama_tokenize": (c_int32, [c_void_p, c_char_p, c_int32, POINTER(c_int32), c_int32, c_bool, c_bool]),
    "llama_token_to_piece": (c_int32, [c_void_p, c_int32, c_char_p, c_int32, c_int32, c_bool]),
    "llama_vocab_is_eog": (c_bool, [c_void_p, c_int32]),
    "llama_sampler_chain_init": (c_void_p, [ChainParams]),
    "llama_sampler_chain_add": (None, [c_void_p, c_void_p]),
    "llama_sampler_init_greedy": (c_void_p, []),
    "llama_sampler_init_top_k": (c_void_p, [c_int32]),
    "llama_sampler_init_top_p": (c_void_p, [c_float, ctypes.c_size_t]),
    "llama_sampler_init_min_p": (c_void_p, [c_float, ctypes.c_size_t]),
    "llama_sampler_init_temp": (c_void_p, [c_float]),
    "llama_sampler_init_dist": (c_void_p, [c_uint32]),
    "llama_sampler_sample": (c_int32, [c_void_p, c_void_p, c_int32]),
    "llama_sampler_free": (None, [c_void_p]),
}
LOG_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_int, c_char_p, c_void_p)


@LOG_CALLBACK
def drop_log(_level, _text, _data):
    """The library writes pages about itself to stderr otherwise."""


def open_library(folder):
    """Opens the library in a folder and lets it choose its compute backend."""

    def part(name, **mode):
        return ctypes.CDLL(sorted(glob.glob(os.path.join(folder, name)))[0], **mode)

    part("libggml-base*.so*", mode=ctypes.RTLD_GLOBAL)
    ggml = part("libggml.*so*", mode=ctypes.RTLD_GLOBAL)
    library = part("libllama.*so*")
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    library.llama_log_set(drop_log, None)
    library.llama_backend_init()
    ggml.ggml_backend_load_all_from_path(os.fsencode(folder))
    return library


class Model:
    """A loaded model and its vocabulary."""

    def __init__(self, folder, path):
        self.library = open_library(folder)
        self.handle = self.library.llama_model_load_from_file(
            os.fsencode(path), self.library.llama_model_default_params())
        if not self.handle:
            raise RuntimeError(f"cannot load {path}")
        self.vocabulary = self.library.llama_model_get_vocab(self.handle)
        self.pieces = {}

    def tokenize(self, text):
        data = text.encode()
        tokens = (c_int32 * (len(data) + 8))()
        n = self.library.llama_tokenize(self.vocabulary, data, len(data), tokens, len(tokens), True, False)
        if n < 0:
            raise ValueError("the prompt cannot be tokenised")
        return tokens[:n]

    def piece(self, token):
        """A token's bytes; asked for once."""
        piece = self.pieces.get(token)
        if piece is None:
            buffer = ctypes.create_string_buffer(256)
            n = self.library.llama_token_to_piece(self.vocabulary, token, buffer, len(buffer), 0, False)
            piece = self.pieces[token] = buffer.raw[:max(n, 0)]
        return piece

    def ends(self, token):
        return self.library.llama_vocab_is_eog(self.vocabulary, token)


class Sampler:
    """The chain that llama.cpp samples with by default."""

    def __init__(self, model, temperature, top_k, top_p, min_p, seed):
        self.library = library = model.library
        self.handle = library.llama_sampler_chain_init(ChainParams(True))
        if temperature <= 0:
            steps = [library.llama_sampler_init_greedy()]
        else:
            steps = [
                library.llama_sampler_init_top_k(top_k), library.llama_sampler_init_top_p(top_p, 1),
                library.llama_sampler_init_min_p(min_p, 1), library.llama_sampler_init_temp(temperature),
                library.llama_sampler_init_dist(seed),
            ]
        for step in steps:
            library.llama_sampler_chain_add(self.handle, step)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.library.llama_sampler_free(self.handle)


class Context:
    """A KV cache for some sequences, and the batch that is decoded next. One thread
    at a time may use it."""

    def __init__(self, model, sequences, sequence_tokens, threads):
        self.library = model.library
        params = self.library.llama_context_default_params()
        params.context_tokens, params.sequences = sequences * sequence_tokens, sequences
        params.outputs_per_sequence = 0
        params.threads = params.batch_threads = threads
        params.kv_unified, params.no_perf = False, True
        self.handle = self.library.llama_init_from_model(model.handle, params)
        if not self.handle:
            raise RuntimeError("the library refused the context")
        self.memory = self.library.llama_get_memory(self.handle)
        self.room = params.batch_tokens
        self.batch = self.library.llama_batch_init(self.room, 0, 1)
        for row in range(self.room):
            self.batch.n_seq_id[row] = 1

    def add(self, token, position, sequence, wanted):
        """Appends a row to the batch and returns its number."""
        batch, row = self.batch, self.batch.n_tokens
        if row == self.room:
            raise ValueError("the prompt does not fit a batch")
        batch.token[row], batch.pos[row], batch.logits[row] = token, position, wanted
        batch.seq_id[row][0] = sequence
        batch.n_tokens = row + 1
        return row

    def decode(self):
        """Computes the batch and empties it."""
        code = self.library.llama_decode(self.handle, self.batch)
        self.batch.n_tokens = 0
        if code:
            raise RuntimeError(f"llama_decode returned {code}")

    def sample(self, sampler, row):
        return self.library.llama_sampler_sample(sampler.handle, self.handle, row)

    def forget(self, sequence):
        self.library.llama_memory_seq_rm(self.memory, sequence, 0, -1)
