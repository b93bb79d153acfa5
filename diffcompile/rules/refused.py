"""The name of a function that has no derivative here -> why, and what to write instead.

    sentence_of("scipy.stats.mode")      ("the most frequent value of a sample jumps ...", "Use ...")

A function that is in no table is refused as well, with the advice to teach it a rule; these have none to be
taught, or another way is better. A name that ends in a dot stands for all that begins with it.
"""

from __future__ import annotations

Sentence = tuple[str, str]  # the reason, and what to write instead

_KNOTS: Sentence = (
    "the knots of a smoothing spline are chosen from its data",
    "Go through the data, `make_interp_spline(x, y)(t)`, or keep the knots: `BSpline(t, c, k)(x)`.",
)
_SETS: Sentence = (
    "which numbers two arrays share changes with every move of one",
    "Find the places outside, and index with them.",
)
_BINNED: Sentence = (
    "which bin a sample falls into is found for one axis at a time",
    "Flatten the bins: `np.bincount(np.ravel_multi_index(...), weights)`.",
)
_EITHER: Sentence = (
    "whether its result is complex is found at run time",
    "Say so: `np.sqrt(x + 0j)`, and likewise for the others.",
)
_ROTATIONS: Sentence = (
    "an object of `scipy.spatial` keeps its numbers to itself",
    "Write the rotation as a matrix: Rodrigues' formula, or `scipy.linalg.expm`.",
)
_MODE: Sentence = (
    "the most frequent value of a sample jumps when any other becomes as frequent",
    "Use `np.median`, or the place of the largest value of a density.",
)
_PHASES: Sentence = (
    "the vectors of a complex Schur form are determined but for their phases",
    "Use `scipy.linalg.eigvals` for its diagonal.",
)
_VIEW: Sentence = (
    "memory that is looked at through strides is not followed",
    "Index, or use `np.lib.stride_tricks.sliding_window_view`.",
)
_INTEGER: Sentence = (
    "a program over whole numbers does not move with its data",
    "Keep its result constant: `stop_gradient(...)`.",
)

SENTENCES: dict[str, Sentence] = {
    **dict.fromkeys(
        [
            f"scipy.interpolate.{name}"
            for name in (
                "SmoothBivariateSpline", "SmoothSphereBivariateSpline", "LSQBivariateSpline",
                "UnivariateSpline", "LSQUnivariateSpline", "bisplrep", "bisplev", "splprep",
                "make_smoothing_spline", "make_splrep", "make_splprep", "make_lsq_spline",
            )
        ],
        _KNOTS,
    ),
    "np.row_stack": ("NumPy lets it go", "Use `np.vstack`."),
    "np.intersect1d": _SETS,
    "np.setxor1d": _SETS,
    "np.histogram2d": _BINNED,
    "np.histogramdd": _BINNED,
    "np.lib.scimath.": _EITHER,
    "np.lib.stride_tricks.as_strided": _VIEW,
    "scipy.spatial.": _ROTATIONS,
    "scipy.stats.mode": _MODE,
    "scipy.linalg.rsf2csf": _PHASES,
    "scipy.optimize.milp": _INTEGER,
    "scipy.optimize.linear_sum_assignment": _INTEGER,
}  # fmt: skip


def sentence_of(name: str) -> Sentence | None:
    """What is said of a function of this name, if there is something of its own to say.

    >>> sentence_of("scipy.spatial.transform.Rotation")[0]
    'an object of `scipy.spatial` keeps its numbers to itself'
    >>> sentence_of("np.sin")
    """
    beginnings = (said for start, said in SENTENCES.items() if start.endswith(".") and name.startswith(start))
    return SENTENCES.get(name) or next(beginnings, None)
