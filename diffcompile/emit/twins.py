"""Functions of a module that are one function under several names, since they call each other or their like.

    def f(n): ... f_2(n - 1) ...          def f(n): ... f(n - 1) ...
    def f_2(n): ... f_2(n - 1) ...

A recursion is lowered once for what it is called with at first, and once for what it is called with inside:
where nothing in the text tells the two apart, one of them is left.
"""

from __future__ import annotations

import re
from collections.abc import Collection


def merged(texts: dict[str, str], names: Collection[str]) -> list[str]:
    """The texts of functions, by name and in order, without those of `names` that have a twin before them."""
    parts = {name: _parts(text, texts) for name, text in texts.items()}
    # Taken to be one until something tells them apart: the coarsest partition in which each calls the same.
    kind = {name: name if name not in names else "" for name in texts}
    while True:
        keys = {
            name: (kind[name], *(kind[p] if p in texts else p for p in parts[name])) for name in texts
        }
        numbers: dict[tuple[str, ...], str] = {}
        finer = {name: numbers.setdefault(key, str(len(numbers))) for name, key in keys.items()}
        if len(set(finer.values())) == len(set(kind.values())):
            break
        kind = finer
    shortest: dict[str, str] = {}
    for name in sorted(texts, key=lambda name: (len(name), name)):
        shortest.setdefault(kind[name], name)
    return [
        "".join(shortest[kind[p]] if p in texts else p for p in parts[name])
        for name in texts
        if shortest[kind[name]] == name
    ]


def _parts(text: str, names: Collection[str]) -> list[str]:
    """The text, cut at the names of functions."""
    if not names:
        return [text]
    return re.split(rf"\b({'|'.join(map(re.escape, sorted(names, key=len, reverse=True)))})\b", text)
