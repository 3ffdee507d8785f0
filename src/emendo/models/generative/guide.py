"""Writing that keeps to a grammar: of the tokens that a model would write, the likeliest that the grammar permits.

Reading is greedy, so it is enough to look for the one token that is to be written; a model that writes what it was
trained on is asked once a token. Tokens are taken as bytes, since a character may be written by several of them.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Sequence
from typing import Any, Final

from torch import Tensor

from emendo.fields.grammar import START, Grammar, State

FIRST: Final = 32
"""Tokens that are tried before all of them are put in order."""


class Vocabulary:
    """The bytes that each token of a tokenizer writes."""

    def __init__(self, tokenizer: Any) -> None:
        told = json.dumps(json.loads(tokenizer.backend_tokenizer.to_str())["decoder"])
        self._bytes = _byte_level() if "ByteLevel" in told else None
        specials = {*tokenizer.all_special_ids}
        size = len(tokenizer)
        names = tokenizer.convert_ids_to_tokens(list(range(size)))
        self.pieces = [None if at in specials or name is None else self._piece(name) for at, name in enumerate(names)]

    def _piece(self, name: str) -> bytes | None:
        if self._bytes is not None:
            if not {*name} <= self._bytes.keys():  # a token that was added beside the bytes
                return None
            return bytes(self._bytes[char] for char in name)
        if len(name) == 6 and name.startswith("<0x") and name.endswith(">"):
            return bytes([int(name[3:5], 16)])
        return name.replace("\u2581", " ").encode()

    def of(self, token: int) -> bytes | None:
        """The bytes of a token; None for one that is no text."""
        return self.pieces[token] if token < len(self.pieces) else None


def _byte_level() -> dict[str, int]:
    """The byte that each character of a byte-level vocabulary stands for (Radford et al., GPT-2, 2019): the printable
    ones of Latin-1 stand for themselves, the others for what follows from U+0100 on."""
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in own]
    return {chr(byte): byte for byte in own} | {chr(0x100 + at): byte for at, byte in enumerate(others)}


class Place:
    """Where one answer stands in its grammar, and what is begun of a character."""

    def __init__(self, grammar: Grammar, vocabulary: Vocabulary, end: int) -> None:
        self._grammar, self._vocabulary, self._end = grammar, vocabulary, end
        self._state: State = START
        self._begun = b""
        self.done = False

    def permits(self, token: int) -> bool:
        """Whether the grammar permits this token next."""
        if token == self._end:
            return self._grammar.complete(self._state)
        return self._after(token) is not None

    def take(self, token: int) -> None:
        """Go on behind a token that was written."""
        found = self._after(token)
        if found is None:
            self.done = True
        else:
            self._state, self._begun = found

    def _after(self, token: int) -> tuple[State, bytes] | None:
        piece = self._vocabulary.of(token)
        if not piece:
            return None
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            text = decoder.decode(self._begun + piece)
        except UnicodeDecodeError:
            return None
        begun: bytes = decoder.getstate()[0]
        state = self._grammar.after(self._state, text)
        # a character that is begun can only be ended inside quotes
        return None if state is None or (begun and state.expects != "text") else (state, begun)


class Guide:
    """A logits processor of transformers for a batch: each row keeps to its grammar, a row without one is free.

    Where the grammar permits no token of the vocabulary at all, the row goes on free.
    """

    def __init__(self, grammars: Sequence[Grammar | None], vocabulary: Vocabulary, end: int) -> None:
        self._places = [None if grammar is None else Place(grammar, vocabulary, end) for grammar in grammars]
        self._length = 0

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """`input_ids` (N, T) so far, `scores` (N, vocabulary); all but one token of a guided row become -inf."""
        if self._length and input_ids.shape[1] > self._length:
            for place, token in zip(self._places, input_ids[:, -1].tolist(), strict=True):
                if place is not None and not place.done:
                    place.take(token)
        self._length = input_ids.shape[1]
        for row, place in enumerate(self._places):
            token = None if place is None or place.done else _likeliest(scores[row], place)
            if token is not None:
                kept = scores[row, token].clone()
                scores[row] = float("-inf")
                scores[row, token] = kept
        return scores


def _likeliest(scores: Tensor, place: Place) -> int | None:
    for token in scores.topk(min(FIRST, scores.shape[0])).indices.tolist():
        if place.permits(token):
            return int(token)
    for token in scores.argsort(descending=True).tolist()[FIRST:]:
        if place.permits(token):
            return int(token)
    return None
