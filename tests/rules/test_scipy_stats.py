"""Distributions whose points cannot be moved one by one, and what is frozen."""

from typing import Any

import numpy as np
import pytest

from diffcompile import grad
from graphs import written

pytestmark = pytest.mark.filterwarnings("ignore:Some rows of `p`:FutureWarning")
stats = pytest.importorskip("scipy.stats")

Z = np.array([0.3, -0.2, 0.5])
COV = np.array([[2.0, 0.3, 0.1], [0.3, 1.5, -0.2], [0.1, -0.2, 1.0]])


def slope(f: Any, x: Any, v: Any) -> Any:
    return (f(x + 1e-5 * v) - f(x - 1e-5 * v)) / 2e-5


@pytest.mark.parametrize("method", ["logpdf", "pdf"])
def test_a_dirichlet_density_along_the_simplex(method: str) -> None:
    text = (
        "def f(z, alpha):\n"
        "    p = np.exp(z) / np.sum(np.exp(z))\n"
        f"    return stats.dirichlet.{method}(p, alpha)"
    )
    f, alpha, v = written(text, stats=stats), np.array([1.5, 2.5, 0.8]), np.array([0.4, -0.7, 0.2])
    z_bar, alpha_bar = grad(f, (0, 1))(Z, alpha)

    assert np.sum(z_bar * v) == pytest.approx(slope(lambda z: f(z, alpha), Z, v), rel=1e-6)
    assert np.sum(alpha_bar * v) == pytest.approx(slope(lambda a: f(Z, a), alpha, v), rel=1e-6)


@pytest.mark.parametrize("method", ["logpmf", "pmf"])
@pytest.mark.parametrize("counts", [[2, 0, 3], [0, 4, 1]])
def test_a_multinomial_probability_along_the_simplex(method: str, counts: list[int]) -> None:
    text = (
        "def f(z):\n"
        "    p = np.exp(z) / np.sum(np.exp(z))\n"
        f"    return stats.multinomial.{method}({counts}, 5, p)"
    )
    f, v = written(text, stats=stats), np.array([0.4, -0.7, 0.2])

    assert np.sum(grad(f)(Z) * v) == pytest.approx(slope(f, Z, v), rel=1e-6)


def test_a_frozen_normal_distribution_of_several_variables() -> None:
    text = "def f(m, c, x): return np.sum(stats.multivariate_normal(m, cov=c).logpdf(x))"
    f, x = written(text, stats=stats), np.array([[0.1, 0.2, 0.3], [1.0, -1.0, 0.5]])
    m_bar, c_bar = grad(f, (0, 1))(Z, COV, x)

    precision, diff = np.linalg.inv(COV), x - Z
    np.testing.assert_allclose(m_bar, precision @ np.sum(diff, axis=0))
    np.testing.assert_allclose(c_bar, 0.5 * (precision @ diff.T @ diff @ precision - 2 * precision))


def test_frozen_parameters_are_read_when_the_method_is_called() -> None:
    f = written(
        "def f(s):\n"
        "    prior = stats.norm(loc=1.0, scale=s)\n"
        "    return prior.logpdf(0.5) + prior.ppf(0.7)",
        stats=stats,
    )

    assert grad(f)(1.3) == pytest.approx(slope(f, 1.3, 1.0), rel=1e-6)
