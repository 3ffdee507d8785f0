"""Which text can be the beginning of the compact JSON of a page's or a region's fields, character by character.

The language is that of `canonical` without `schema` and `sources`: `{"seller":"...","lines":[{"amount":"..."},...]}`,
names of the schema only, each at most once in its object, values in quotes. A model that is kept inside it can only be
cut off, never write what is no JSON.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from .regions import names_of
from .schema import ROWS, specs

_ESCAPED: Final = frozenset('"\\/n')
_CELLS: Final = {table: tuple(spec.name for spec in specs(part)) for table, part in ROWS.items()}


class State(NamedTuple):
    """Where a text stands. `expects` names what may follow; `table` is that of the row it is in, empty outside.

    `top` and `row` are the names already used in the document and in the row, `name` the name at hand.
    """

    expects: str = "document"
    table: str = ""
    top: frozenset[str] = frozenset()
    row: frozenset[str] = frozenset()
    name: str = ""


START: Final = State()


class Grammar:
    """The language of the answers for a region (`regions.PAGE`: a whole page)."""

    def __init__(self, region: str) -> None:
        self.region, self._names = region, names_of(region)

    def step(self, state: State, char: str) -> State | None:
        """The state behind one more character; None when it cannot stand there."""
        return _STEPS[state.expects](self, state, char)

    def after(self, state: State, text: str) -> State | None:
        """The same behind a whole text."""
        for char in text:
            found = self.step(state, char)
            if found is None:
                return None
            state = found
        return state

    @staticmethod
    def complete(state: State) -> bool:
        """Whether the document is closed: nothing more can follow."""
        return state.expects == "end"

    def _unused(self, state: State, begin: str = "") -> bool:
        names = _CELLS[state.table] if state.table else self._names
        used = state.row if state.table else state.top
        return any(name.startswith(begin) and name not in used for name in names)

    def _document(self, state: State, char: str) -> State | None:
        return state._replace(expects="first") if char == "{" else None

    def _first(self, state: State, char: str) -> State | None:
        if char == "}" and not state.table:
            return state._replace(expects="end")
        return self._begin_name(state, char)

    def _begin_name(self, state: State, char: str) -> State | None:
        return state._replace(expects="name", name="") if char == '"' and self._unused(state) else None

    def _name(self, state: State, char: str) -> State | None:
        names = _CELLS[state.table] if state.table else self._names
        used = state.row if state.table else state.top
        if char == '"':
            known = state.name in names and state.name not in used
            return state._replace(expects="colon") if known else None
        longer = state.name + char
        return state._replace(name=longer) if self._unused(state, longer) else None

    def _colon(self, state: State, char: str) -> State | None:
        if char != ":":
            return None
        if state.table:
            return state._replace(expects="value", row=state.row | {state.name})
        return state._replace(expects="value", top=state.top | {state.name})

    def _value(self, state: State, char: str) -> State | None:
        if not state.table and state.name in ROWS:
            return state._replace(expects="row", table=state.name) if char == "[" else None
        return state._replace(expects="text") if char == '"' else None

    def _row(self, state: State, char: str) -> State | None:
        return state._replace(expects="first", row=frozenset()) if char == "{" else None

    def _text(self, state: State, char: str) -> State | None:
        if char == '"':
            return state._replace(expects="more")
        if char == "\\":
            return state._replace(expects="escape")
        return state if char >= " " else None

    def _escape(self, state: State, char: str) -> State | None:
        return state._replace(expects="text") if char in _ESCAPED else None

    def _more(self, state: State, char: str) -> State | None:
        if char == ",":
            return state._replace(expects="next") if self._unused(state) else None
        if char != "}":
            return None
        return state._replace(expects="rows" if state.table else "end")

    def _rows(self, state: State, char: str) -> State | None:
        if char == ",":
            return state._replace(expects="row")
        return state._replace(expects="more", table="", row=frozenset()) if char == "]" else None

    def _end(self, state: State, char: str) -> State | None:
        return None


_STEPS: Final = {
    "document": Grammar._document,
    "first": Grammar._first,
    "next": Grammar._begin_name,
    "name": Grammar._name,
    "colon": Grammar._colon,
    "value": Grammar._value,
    "row": Grammar._row,
    "text": Grammar._text,
    "escape": Grammar._escape,
    "more": Grammar._more,
    "rows": Grammar._rows,
    "end": Grammar._end,
}


@lru_cache(maxsize=16)
def grammar_of(region: str) -> Grammar:
    """The grammar of a region or a page. Raises FormatError for an unknown region."""
    return Grammar(region)
