"""What the docstrings show is what happens, and every public name shows something."""

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest

import diffcompile

MODULES = [diffcompile.__name__]
MODULES += [m.name for m in pkgutil.walk_packages(diffcompile.__path__, "diffcompile.")]
PUBLIC = [name for name in diffcompile.__all__ if not name.startswith("__")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name: str) -> None:
    module: ModuleType = importlib.import_module(name)

    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_has_a_docstring_with_an_example(name: str) -> None:
    doc = getattr(diffcompile, name).__doc__ or ""

    assert doctest.DocTestParser().get_examples(doc) != []
