"""An OpenAI-like completions service: Flask under gunicorn, over llama.cpp.

The model is loaded once in each worker. LLAMA_LIB is the library's folder, the
other settings are WEIR_C01_*.
"""

import codecs
import json
import os
import time
import uuid

from flask import Flask, Response, request

import generators
from llama import Model, Sampler


def setting(name):
    return os.environ["WEIR_C01_" + name]


app = Flask(__name__)
model = Model(os.environ["LLAMA_LIB"], setting("MODEL"))
generator = getattr(generators, setting("GENERATOR"))(
    model, int(setting("SEQUENCES")), int(setting("SEQUENCE_TOKENS")), int(setting("THREADS")))


@app.get("/health")
def health():
    return {"status": "ok"}


@app.post("/v1/completions")
def completions():
    asked = request.get_json()
    prompt = model.tokenize(asked["prompt"])
    return Response(events(asked, prompt), mimetype="text/event-stream")


def events(asked, prompt):
    """The events of one answer, as OpenAI frames them."""
    head = {
        "id": f"cmpl-{uuid.uuid4().hex}", "object": "text_completion", "created": int(time.time()), "model": "c01",
    }

    def frame(text, reason=None, **more):
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": reason}
        return f"data: {json.dumps({**head, 'choices': [choice], **more})}\n\n"

    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    made, reason = 0, "length"
    with Sampler(model, asked["temperature"], asked["top_k"], asked["top_p"], asked["min_p"], asked["seed"]) as sampler:
        for token in generator.generate(prompt, asked["max_tokens"], sampler):
            made += 1
            if not asked["ignore_eos"] and model.ends(token):
                reason = "stop"
                break
            if text := decoder.decode(model.piece(token)):
                yield frame(text)
    usage = {"prompt_tokens": len(prompt), "completion_tokens": made, "total_tokens": len(prompt) + made}
    yield frame(decoder.decode(b"", True), reason, usage=usage)
    yield "data: [DONE]\n\n"
