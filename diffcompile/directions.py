"""Directions: the tangent of an argument brought into the form of that argument, or refused.

    like({"w": [1, 0]}, {"w": np.ones(2), "n": 3}, "p")     ->     {"w": np.array([1., 0.]), "n": None}
"""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np

from .errors import WrongArgument
from .frontend.arguments import REGISTERED, field_names, is_object


def like(tangent: Any, primal: Any, name: str) -> Any:
    """The tangent of `primal`, of its form, dtype and shape; None in it stands for what does not move.

    Raises WrongArgument, which names the place (`params["w"]`), where the forms differ.
    """
    if isinstance(primal, np.ndarray):
        if tangent is None:
            return np.zeros(primal.shape, primal.dtype) if primal.dtype.kind in "fc" else None
        if primal.dtype.kind not in "fc":
            return None
        given = np.asarray(tangent)
        if given.shape != primal.shape:
            raise WrongArgument(
                f"the tangent of `{name}` has shape {given.shape}, and `{name}` has {primal.shape}", None,
                "Pass one number for each element.",
            )  # fmt: skip
        _check(given.dtype.kind in ("biuf" if primal.dtype.kind == "f" else "biufc"), name, primal, tangent)
        return given.astype(primal.dtype, copy=False)
    if isinstance(primal, dict):
        tangent = {} if tangent is None else tangent
        _check(isinstance(tangent, dict) and set(tangent) <= set(primal), name, primal, tangent)
        return {key: like(tangent.get(key), item, f"{name}[{key!r}]") for key, item in primal.items()}
    if isinstance(primal, (tuple, list)):
        if tangent is None:
            tangent = (None,) * len(primal)
        _check(hasattr(tangent, "__len__") and len(tangent) == len(primal), name, primal, tangent)
        items = [
            like(t, p, f"{name}[{k}]") for k, (t, p) in enumerate(zip(tangent, primal, strict=True))
        ]
        if isinstance(primal, list):
            return items
        return type(primal)(*items) if hasattr(primal, "_fields") else tuple(items)
    if isinstance(primal, (bool, int, str, bytes, type(None))) or np.ndim(primal) == 0 and not _moves(primal):
        return _object(tangent, primal, name) if is_object(primal) else None
    if tangent is None:
        return type(primal)(0)
    numeric = np.ndim(tangent) == 0 and np.asarray(tangent).dtype.kind in "biufc"
    _check(numeric and np.iscomplexobj(tangent) <= np.iscomplexobj(primal), name, primal, tangent)
    return type(primal)(tangent)


def form_of(primal: Any) -> Any:
    """What `like` reads of a primal, which may be written into meanwhile: no more than its form."""
    if isinstance(primal, np.ndarray):
        return np.broadcast_to(np.zeros((), primal.dtype), primal.shape)
    if isinstance(primal, dict):
        return {key: form_of(item) for key, item in primal.items()}
    if isinstance(primal, (tuple, list)):
        items = [form_of(item) for item in primal]
        if isinstance(primal, list):
            return items
        return type(primal)(*items) if hasattr(primal, "_fields") else tuple(items)
    if not is_object(primal) or type(primal) in REGISTERED:
        return primal
    made = copy.copy(primal)
    names = field_names(primal) if dataclasses.is_dataclass(primal) else tuple(vars(primal))
    for attribute in names:
        object.__setattr__(made, attribute, form_of(getattr(primal, attribute)))
    return made


def _moves(primal: Any) -> bool:
    return isinstance(primal, (float, complex, np.inexact))


def _object(tangent: Any, primal: Any, name: str) -> Any:
    """An object with the tangents of the attributes of `primal`."""
    if type(primal) in REGISTERED:
        raise WrongArgument(
            f"`{name}` is a registered container, and has no tangent yet", None,
            "Differentiate with respect to its parts.",
        )  # fmt: skip
    made = copy.copy(primal)
    names = field_names(primal) if dataclasses.is_dataclass(primal) else tuple(vars(primal))
    for attribute in names:
        part = tangent.get(attribute) if isinstance(tangent, dict) else getattr(tangent, attribute, None)
        found = like(part, getattr(primal, attribute), f"{name}.{attribute}")
        object.__setattr__(made, attribute, found)
    return made


def _check(fits: bool, name: str, primal: Any, tangent: Any) -> None:
    if not fits:
        raise WrongArgument(
            f"the tangent of `{name}` has another form: it is {_form(tangent)}",
            None,
            "Pass one of the form of the argument.",
        )


def _form(tangent: Any) -> str:
    kind = type(tangent).__name__
    return f"{kind} of {tangent.dtype}" if isinstance(tangent, np.ndarray) and tangent.ndim else kind
