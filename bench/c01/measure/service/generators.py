"""Two ways to make tokens for many requests from one model."""

import queue
import threading

from llama import Context


class Locked:
    """One context behind a lock: a request has it from its first token to its last,
    and the others wait. What most such services do."""

    def __init__(self, model, sequences, sequence_tokens, threads):
        del sequences
        self.context = Context(model, 1, sequence_tokens, threads)
        self.lock = threading.Lock()

    def generate(self, prompt, limit, sampler):
        context = self.context
        with self.lock:
            context.forget(0)
            context.batch.n_tokens = 0  # the one before may have been given up
            for position, token in enumerate(prompt):
                row = context.add(token, position, 0, position == len(prompt) - 1)
            for position in range(len(prompt), len(prompt) + limit):
                context.decode()
                token = context.sample(sampler, row)
                yield token
                row = context.add(token, position, 0, True)


class Request:
    """What a client waits for. A token is put into tokens when it is made, and
    None, or an exception, at the end."""

    def __init__(self, prompt, limit, sampler):
        self.prompt, self.limit, self.sampler = prompt, limit, sampler
        self.tokens = queue.SimpleQueue()
        self.abandoned = False
        self.position, self.row, self.next = 0, -1, None


class Batched:
    """One context that a thread of its own decodes all requests with, a token of
    each a step: continuous batching."""

    def __init__(self, model, sequences, sequence_tokens, threads):
        self.context = Context(model, sequences, sequence_tokens, threads)
        self.slots = [None] * sequences
        self.waiting = queue.SimpleQueue()
        threading.Thread(target=self.run, daemon=True).start()

    def generate(self, prompt, limit, sampler):
        request = Request(prompt, limit, sampler)
        self.waiting.put(request)
        try:
            while (token := request.tokens.get()) is not None:
                if isinstance(token, Exception):
                    raise token
                yield token
        finally:
            # The sampler is the caller's again only when nobody draws with it.
            request.abandoned = True
            while token is not None and not isinstance(token, Exception):
                token = request.tokens.get()

    def run(self):
        while True:
            self.admit()
            try:
                self.step()
            except Exception as error:  # to those who wait for it
                for slot, request in enumerate(self.slots):
                    if request:
                        self.end(slot, error)

    def admit(self):
        """Gives waiting requests their slots; without any request it waits for one."""
        busy = any(self.slots)
        for slot, request in enumerate(self.slots):
            if request is None and (not busy or not self.waiting.empty()):
                self.slots[slot], busy = self.waiting.get(), True

    def end(self, slot, last=None):
        request, self.slots[slot] = self.slots[slot], None
        self.context.forget(slot)
        request.tokens.put(last)

    def step(self):
        context = self.context
        room = context.room - len(self.slots)
        for slot, request in enumerate(self.slots):
            if request is None:
                continue
            if request.next is not None:
                request.row = context.add(request.next, request.position, slot, True)
                request.position += 1
            elif request.position < len(request.prompt):
                part = request.prompt[request.position:request.position + room]
                room -= len(part)
                for token in part:
                    request.position += 1
                    whole = request.position == len(request.prompt)
                    request.row = context.add(token, request.position - 1, slot, whole)
                if request.position < len(request.prompt):
                    request.row = -1
        context.decode()
        for slot, request in enumerate(self.slots):
            if request is None or request.row < 0:
                continue
            request.next = context.sample(request.sampler, request.row)
            request.limit -= 1
            request.tokens.put(request.next)
            if request.limit == 0 or request.abandoned:
                self.end(slot)
