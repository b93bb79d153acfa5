"""What other tools differentiate is differentiated here, or refused with a sentence that says why.

The names are those of autograd's rules, of what `jax.numpy` and `jax.scipy` differentiate beyond it, and of
what users have asked those two for. A name that this NumPy or this SciPy lacks is passed over.
"""

# ruff: noqa: E501
from __future__ import annotations

import importlib
from typing import Any

import pytest

from diffcompile.frontend import calls, plain, special
from diffcompile.ir.text import function_name
from diffcompile.rules.definitions import DEFINITIONS
from diffcompile.rules.library import EVALUATED, KEEPING, USED, consult
from diffcompile.rules.refused import SENTENCES, sentence_of
from diffcompile.rules.register import REGISTRY

pytest.importorskip("scipy")

LISTED = {
    "numpy": """
        add subtract multiply divide true_divide power mod remainder maximum minimum fmax fmin logaddexp
        logaddexp2 arctan2 hypot negative abs absolute fabs reciprocal square sqrt exp exp2 expm1 log log2 log10
        log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh rad2deg degrees deg2rad
        radians sinc nan_to_num conj conjugate real imag angle real_if_close sum mean prod var std max min amax
        amin cumsum reshape ravel transpose swapaxes moveaxis rollaxis expand_dims squeeze atleast_1d atleast_2d
        atleast_3d broadcast_to tile repeat roll flipud fliplr rot90 split array_split vsplit hsplit dsplit
        concatenate array full linspace pad diag diagonal tril triu trace stack vstack row_stack hstack
        column_stack append select where clip sort partition dot inner outer matmul tensordot einsum kron cross
        diff gradient floor ceil round rint around fix trunc all any argmax argmin argpartition argsort argwhere
        nonzero flatnonzero count_nonzero searchsorted sign ndim shape floor_divide logical_and logical_or
        logical_not logical_xor isfinite isinf isnan isneginf isposinf allclose isclose array_equal array_equiv
        greater greater_equal less less_equal equal not_equal iscomplexobj iscomplex size isscalar isreal
        zeros_like ones_like empty_like full_like result_type positive cbrt i0 float_power fmod copysign
        heaviside ldexp modf frexp ptp cumprod cumulative_sum cumulative_prod median percentile quantile average
        cov corrcoef trapezoid nansum nanprod nanmean nanstd nanvar nanmax nanmin nanmedian nancumsum nancumprod
        matrix_transpose broadcast_arrays flip insert delete resize unstack diagflat vander logspace geomspace
        meshgrid copy take take_along_axis extract piecewise sort_complex vdot vecdot matvec vecmat ediff1d
        convolve correlate interp polyval poly polyfit polymul polyadd polysub polydiv polyder polyint roots
        unwrap apply_along_axis apply_over_axes frompyfunc vectorize bincount digitize float64 compress choose
        put_along_axis fill_diagonal histogram fromfunction dstack block unique union1d setdiff1d intersect1d
        """,
    "numpy.linalg": """
        det slogdet inv pinv solve norm eigh eig cholesky svd matrix_power lstsq qr svdvals eigvalsh eigvals cond
        vector_norm matrix_norm tensorinv tensorsolve cross multi_dot matrix_rank outer trace diagonal
        """,
    "numpy.fft": """
        fft ifft fft2 ifft2 fftn ifftn rfft irfft rfft2 irfft2 rfftn irfftn fftshift ifftshift hfft ihfft
        """,
    "numpy.ndarray": """
        all any argmax argmin argpartition argsort nonzero searchsorted round clip compress cumprod cumsum
        diagonal max mean min prod ravel repeat reshape squeeze std sum swapaxes take trace transpose var flatten
        astype T mT copy item fill dot sort tolist conj conjugate real imag choose partition
        """,
    "scipy.special": """
        beta betainc betaln gamma gammaln gammainc gammaincc rgamma multigammaln gammasgn polygamma psi digamma j0
        j1 jn y0 y1 yn i0 i1 iv ive erf erfc erfinv erfcinv logit expit logsumexp bernoulli boxcox boxcox1p comb
        dawsn entr erfcx exp1 expi expn factorial fresnel hyp1f1 hyp2f1 i0e i1e kl_div log_ndtr log_softmax
        loggamma ndtr ndtri owens_t poch rel_entr sici softmax spence sph_harm_y wofz xlog1py xlogy zeta
        """,
    "scipy.stats": """
        norm multivariate_normal beta gamma chi2 dirichlet poisson t bernoulli betabinom binom cauchy expon
        gaussian_kde gennorm geom gumbel_l gumbel_r laplace logistic multinomial nbinom pareto truncnorm uniform
        vonmises wrapcauchy mode rankdata sem entropy gmean hmean zscore skew kurtosis variation
        """,
    "scipy.linalg": """
        sqrtm solve_triangular solve_banded solve_sylvester block_diag cho_factor cho_solve cholesky circulant
        companion convolution_matrix det dft eigh eigh_tridiagonal expm expm_frechet fiedler funm hadamard hankel
        helmert hessenberg hilbert inv leslie lu lu_factor lu_solve pascal polar qr qr_multiply rsf2csf schur solve
        svd toeplitz logm lstsq pinv cosm sinm tanm coshm sinhm tanhm fractional_matrix_power solve_toeplitz
        solveh_banded cholesky_banded cho_solve_banded solve_continuous_lyapunov solve_discrete_lyapunov
        solve_continuous_are eigvals eigvalsh svdvals norm khatri_rao
        """,
    "scipy.integrate": """
        odeint solve_ivp quad quad_vec dblquad tplquad nquad fixed_quad trapezoid simpson romb cumulative_trapezoid
        cumulative_simpson
        """,
    "scipy.optimize": """
        minimize minimize_scalar root root_scalar fsolve brentq brenth bisect ridder toms748 newton fixed_point
        least_squares curve_fit linprog milp linear_sum_assignment
        """,
    "scipy.signal": """
        convolve convolve2d correlate correlate2d csd detrend fftconvolve istft stft welch periodogram spectrogram
        coherence oaconvolve lfilter filtfilt sosfilt sosfiltfilt savgol_filter hilbert resample deconvolve
        """,
    "scipy.ndimage": """
        map_coordinates convolve convolve1d correlate correlate1d gaussian_filter gaussian_filter1d uniform_filter
        uniform_filter1d laplace sobel prewitt gaussian_laplace gaussian_gradient_magnitude shift rotate zoom
        affine_transform
        """,
    "scipy.interpolate": """
        RegularGridInterpolator RectBivariateSpline SmoothBivariateSpline bisplrep interp1d CubicSpline
        PchipInterpolator Akima1DInterpolator CubicHermiteSpline BSpline make_interp_spline interpn splrep splev
        InterpolatedUnivariateSpline UnivariateSpline make_smoothing_spline
        """,
    "scipy.fft": """
        dct dctn idct idctn dst dstn idst idstn fft ifft rfft irfft fft2 ifft2 fftn ifftn rfftn irfftn hfft ihfft
        fftshift ifftshift
        """,
    "scipy.sparse.linalg": """
        bicgstab cg gmres bicg cgs minres lgmres tfqmr spsolve spsolve_triangular splu factorized lsqr lsmr
        expm_multiply
        """,
    "scipy.spatial.transform": "Rotation Slerp",
}  # fmt: skip
METHODS = {
    "norm": "pdf cdf logpdf logcdf sf logsf ppf isf",
    "multivariate_normal": "pdf logpdf entropy",
    **dict.fromkeys(["beta", "gamma", "chi2", "t", "cauchy", "expon", "laplace", "logistic"], "pdf cdf logpdf logcdf"),
    **dict.fromkeys(["pareto", "uniform", "truncnorm", "vonmises", "wrapcauchy", "gennorm"], "pdf cdf logpdf logcdf"),
    "dirichlet": "pdf logpdf",
    "multinomial": "pmf logpmf",
    **dict.fromkeys(["poisson", "bernoulli", "binom", "nbinom", "geom"], "pmf cdf logpmf"),
    "betabinom": "pmf logpmf",
}  # fmt: skip
UFUNCS = {
    "reduce": "add subtract multiply divide maximum minimum fmax fmin logaddexp logaddexp2 hypot",
    "accumulate": "add subtract multiply maximum minimum logaddexp",
    "outer": "add subtract multiply divide power maximum minimum arctan2 hypot logaddexp fmod remainder",
    "reduceat": "add multiply maximum minimum",
    "at": "add subtract multiply divide maximum minimum",
}
# What the frontend reads: calls, and objects that are made and used.
READ = (calls.SPECIAL, special.SPECIAL, DEFINITIONS, EVALUATED, USED, KEEPING)


def listed() -> list[Any]:
    found = [(place, name) for place, names in LISTED.items() for name in names.split()]
    found += [(f"scipy.stats.{dist}", name) for dist, names in METHODS.items() for name in names.split()]
    found += [(f"numpy.{name}", method) for method, names in UFUNCS.items() for name in names.split()]
    return [pytest.param(place, name, id=f"{place}.{name}") for place, name in found]


def looked_up(path: str) -> Any:
    """The module, or the object in one, of this name."""
    try:
        return importlib.import_module(path)
    except ImportError:
        owner, _, name = path.rpartition(".")
        return getattr(looked_up(owner), name, None)


@pytest.mark.parametrize(("place", "name"), listed())
def test_what_others_differentiate_has_a_derivative_or_a_sentence(place: str, name: str) -> None:
    fn = getattr(looked_up(place), name, None)
    if fn is None:
        return
    consult(fn)

    known = REGISTRY.declares(fn) or any(fn in table for table in READ)
    assert known or sentence_of(function_name(fn)) or plain.of_function(fn)


@pytest.mark.parametrize("reason, remedy", sorted(set(SENTENCES.values())))
def test_a_sentence_says_why_and_what_to_do(reason: str, remedy: str) -> None:
    assert reason and remedy.endswith(".") and not reason.endswith(".")
