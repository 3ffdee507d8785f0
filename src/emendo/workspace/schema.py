"""The tables of the database, as they stand after the last migration (a test holds the two together).

`units` are the lines that were cut from pages, known by the hash of their crop: a renamed or copied document keeps its
corrections. `readings` is what models said of them. `corrections` only grows: each verdict on a line is a new version,
the highest holds. `events` is the log. `inputs` remembers which state of a note was collected last. `users` are the
people of a team (tokens as SHA-256), `leases` the lines that somebody has in work, `seconds` what a second reader said
of a line without seeing the first text (`judge` is who decided where the two differ), `efforts` the keys and seconds
that a verdict in the page has cost.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, MetaData, Table, Text, UniqueConstraint

metadata = MetaData()

units = Table(
    "units",
    metadata,
    Column("id", Text, primary_key=True),
    Column("document", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("text_line", Integer, nullable=False),
    Column("page", Integer, nullable=False),
    Column("region", Integer, nullable=False),
    Column("polygon", Text, nullable=False),
    Column("box", Text, nullable=False),
    Column("page_width", Integer, nullable=False),
    Column("page_height", Integer, nullable=False),
    Column("image", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("present", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("attributes", Text, nullable=False),
)

readings = Table(
    "readings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("characters", Text, nullable=False),
    Column("at", Text, nullable=False),
)

corrections = Table(
    "corrections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reading", Text, nullable=False),
    Column("text", Text),
    Column("author", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("at", Text, nullable=False),
    UniqueConstraint("unit", "version"),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("data", Text, nullable=False),
)

inputs = Table(
    "inputs",
    metadata,
    Column("document", Text, primary_key=True),
    Column("signature", Text, nullable=False),
    Column("at", Text, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("token", Text, nullable=False, unique=True),
    Column("active", Integer, nullable=False),
    Column("at", Text, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("unit", Text, primary_key=True),
    Column("author", Text, nullable=False),
    Column("until", Text, nullable=False),
)

seconds = Table(
    "seconds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("text", Text),
    Column("at", Text, nullable=False),
    Column("judge", Text, nullable=False),
    UniqueConstraint("unit", "author"),
)

efforts = Table(
    "efforts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("keys", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("characters", Integer, nullable=False),
    Column("at", Text, nullable=False),
)
