"""A look at what flows back: the body of a `with` that runs in the backward pass.

    y = np.sin(x)                          y = np.sin(x)
    with cotangent_of(y) as y_bar:         ...
        print(y_bar)                 ->    print(y_bar)           (where the cotangent of y is complete)
    ...                                    x_bar = y_bar * np.cos(x)

The idea is Tangent's `insert_grad_of` (van Merriënboer, Moldovan and Wiltschko, 2018).
"""

from __future__ import annotations

import sys
from types import FrameType, TracebackType
from typing import Any


class _Skipped(BaseException):
    """Ends the body of a `with` that is not to run."""


class cotangent_of:  # noqa: N801 - it is called, and read, as a function
    """A `with` whose body runs in the backward pass, on the cotangent of a variable.

    Parameters: `x`, a variable that holds a number or an array.

    The body runs where what flows back to `x` from all that follows the `with` has been added up, and reads
    the values that its other names have at the `with`. It may print the cotangent, keep it in a list of the
    caller's, change it in place or assign another to its name: that one flows on. What else it assigns is its
    own. If nothing flows back to `x` it does not run; nor does it in forward mode, nor where the function is
    called without a derivative.

    Raises `UnsupportedSyntax`, when the derivative is compiled, for a body that would leave the function or
    change a variable of the forward pass, and for an `x` that is a container or a part of an array.

    >>> from diffcompile import cotangent_of, grad
    >>> def loss(x):
    ...     y = x * x
    ...     with cotangent_of(y) as y_bar:
    ...         print("flows back:", y_bar)
    ...         y_bar = min(y_bar, 1.0)
    ...     return 5.0 * y
    >>> grad(loss)(2.0)
    flows back: 5.0
    4.0
    >>> loss(2.0)
    20.0
    """

    def __init__(self, x: Any) -> None:
        self._tracers: tuple[Any, Any, bool] = (None, None, False)

    def __enter__(self) -> Any:
        # Python has no `with` that skips its body: what is traced there ends it.
        frame = sys._getframe(1)
        self._tracers = (sys.gettrace(), frame.f_trace, frame.f_trace_opcodes)
        sys.settrace(_ignore)
        frame.f_trace, frame.f_trace_opcodes = _skip, True
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> bool:
        frame = sys._getframe(1)
        tracer, frame.f_trace, frame.f_trace_opcodes = self._tracers
        sys.settrace(tracer)
        return kind is _Skipped


def _ignore(frame: FrameType, event: str, arg: Any) -> None:
    return None


def _skip(frame: FrameType, event: str, arg: Any) -> Any:
    if event in ("line", "opcode"):
        raise _Skipped
    return _skip
