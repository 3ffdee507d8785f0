"""Very many lines or pages: divided into shards that appear whole, read by processes that may die, each item once.

`plan` divides, `crew` reads with processes (`child`), `merge` makes one output of it.
"""
