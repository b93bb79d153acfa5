"""Functions of which one is called, and which one is known only at run time: an `if` for each.

    ops = [np.sin, np.cos]                   if k == 0: y = np.sin(x)
    y = ops[k](x)                    ->      else: y = np.cos(x)
"""

from __future__ import annotations

import operator
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np

from ..ir.graph import Atom, Call, Const, pack_list, pack_tuple, raise_error
from ..ir.types import BOOL, INT, Type
from .core import Core
from .heap import Bound, Choice, Closure, Derived, Ref

FUNCTIONS = (FunctionType, BuiltinFunctionType, np.ufunc, type(np.sum))


def is_function(ref: Ref) -> bool:
    """Is this known to be a function, one of those that can be chosen from?"""
    if isinstance(ref, Const):
        return isinstance(ref.value, FUNCTIONS) or hasattr(type(ref.value), "lowered")
    return isinstance(ref, (Closure, Bound, Choice, Derived))


class Choices(Core):
    def chosen_item(self, items: tuple[Ref, ...], index: Ref, of_list: bool) -> Choice:
        """`items[index]`, functions all of them; an index that is out of range raises as it would."""
        pack = pack_list if of_list else pack_tuple
        kind = Type("list", elem=INT) if of_list else Type("tuple")
        numbers = self.b.call(pack, *(Const(k) for k in range(len(items))), type=kind)
        at = self.b.call(operator.getitem, numbers, self.atom(index), type=INT)
        return Choice(at, tuple(enumerate(items)))

    def chosen_entry(self, entries: tuple[tuple[Any, Ref], ...], key: Ref) -> Choice:
        return Choice(self.atom(key), entries, KeyError)

    def choose_from(self, choice: Choice, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        """Call the one that is meant."""

        def pick(options: tuple[tuple[Any, Ref], ...]) -> Ref:
            if not options:
                error = self.b.call(KeyError, choice.at)
                self.b.emit(Call((), raise_error, (error,), (), self.b.line))
                self.state.dead = True
                return Const(None)
            (key, fn), *more = options
            if not more and choice.error is None:
                return self.invoke(fn, args, kwargs, name)
            test: Atom = self.b.call(operator.eq, choice.at, Const(key), type=BOOL)
            result = self.branch(
                test, lambda: self.invoke(fn, args, kwargs, name), lambda: pick(tuple(more)), name
            )
            assert result is not None
            return result

        return pick(choice.options)


def all_functions(refs: Any) -> bool:
    found = list(refs)
    return bool(found) and all(map(is_function, found))
