"""Containers and objects: what generated code needs that Python lacks.

    with_attributes(Model, {"w": w_bar})     ->     a Model that holds w_bar, its `__init__` not run
"""

from __future__ import annotations

from typing import Any


def with_attributes(cls: Any, attributes: dict[str, Any]) -> Any:
    """An object of a class that has these attributes; its `__init__` is not run."""
    made = object.__new__(cls)
    for name, value in attributes.items():
        object.__setattr__(made, name, value)
    return made
