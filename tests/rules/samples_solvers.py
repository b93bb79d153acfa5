"""Sample arguments of what rules of solvers are made of; `test_solvers.py` has programs of the solvers."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import integrate, optimize

from diffcompile.rules.library import consult

consult(integrate.solve_ivp)
consult(optimize.linprog)

from diffcompile.rules.scipy_integrate import adjoint_of_ivp, states_of  # noqa: E402
from diffcompile.rules.scipy_linprog import where_unique  # noqa: E402

ROWS, PRICED = np.array([[2.0, 1.0], [0.0, 1.0]]), np.array([1.0, 3.0])

SAMPLES: dict[Any, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    where_unique: [((np.array([0.5, -1.5]), ROWS, PRICED, 1, 1), {})],
}

# They call functions, or cut apart what such a one returned.
ELSEWHERE = {adjoint_of_ivp, states_of}
