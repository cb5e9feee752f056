"""Writes scipy-fixture.json: what SciPy (and statsmodels, for Holm's correction) says about all of src/stats.

    python -m venv /tmp/scipy && /tmp/scipy/bin/pip install scipy statsmodels
    /tmp/scipy/bin/python test/support/scipy-fixture.py

Numbers in, numbers out: each case of a distribution is [arguments..., result].
"""

import json
import pathlib

import numpy as np
import scipy
from scipy import special, stats
from statsmodels.stats.multitest import multipletests

rng = np.random.default_rng(20240917)


def beta_case():
    a, b = np.exp(rng.uniform(np.log(0.3), np.log(3000), 2))
    x = np.clip(rng.normal(a / (a + b), 2 * np.sqrt(a * b / (a + b + 1)) / (a + b)), 1e-6, 1 - 1e-6)
    return [x, a, b, special.betainc(a, b, x)]


def binomial_case():
    n = int(np.exp(rng.uniform(np.log(5), np.log(20000))))
    p = float(rng.choice([0.5, 0.9, 0.95, 0.99, rng.uniform(0.01, 0.99)]))
    k = int(np.clip(round(rng.normal(n * p, 2 * np.sqrt(n * p * (1 - p)))), 0, n))
    return [k, n, p, stats.binom.cdf(k, n, p)]


def t_cdf_case():
    df = float(rng.choice([1, 2, 3, 4, 7, 13, 29, 100, rng.uniform(0.5, 50)]))
    t = rng.standard_t(2) * rng.choice([1e-6, 1, 1, 5])
    return [t, df, stats.t.cdf(t, df)]


def t_quantile_case():
    df = float(rng.choice([1, 2, 3, 4, 7, 13, 29, 100, rng.uniform(1, 50)]))
    p = float(rng.choice([0.0003, 0.001, 0.01, 0.025, 0.05, 0.5, 0.9, 0.975, rng.uniform(0.001, 0.999)]))
    return [p, df, stats.t.ppf(p, df)]


def normal_case():
    z = rng.normal() * rng.choice([1, 3])
    return [z, stats.norm.cdf(z)]


def normal_quantile_case():
    p = float(rng.choice([rng.uniform(0, 1), 10 ** rng.uniform(-12, -2)]))
    return [p, stats.norm.ppf(p)]


def log_gamma_case():
    x = float(np.exp(rng.uniform(np.log(0.01), np.log(1e5))))
    return [x, special.gammaln(x)]


def paired_case():
    n = int(rng.integers(2, 20))
    reference = rng.lognormal(3, 0.2, n)
    candidate = reference * rng.lognormal(rng.normal(0, 0.05), 0.05, n)
    differences = np.log(candidate) - np.log(reference)
    greater = stats.ttest_rel(np.log(candidate), np.log(reference), alternative="greater")
    interval = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    bound = stats.ttest_1samp(differences, 0, alternative="less").confidence_interval(0.95)
    return {
        "differences": differences.tolist(),
        "pValue": greater.pvalue,
        "interval": [interval.low, interval.high],
        "upperBound": bound.high,
    }


def sample(least, most):
    """Few digits, so that the file stays small; some values twice."""
    n = int(np.exp(rng.uniform(np.log(least), np.log(most + 1))))
    return np.round(rng.lognormal(1, rng.uniform(0.1, 1), n), int(rng.integers(1, 4))).tolist()


def quantile_case():
    values = sorted(sample(1, 60))
    p = float(rng.choice([0.5, 0.9, 0.95, 0.99, 1, rng.integers(1, 1000) / 1000]))
    return {"sorted": values, "p": p, "quantile": stats.quantile(values, p, method="inverted_cdf")}


def order_statistics_case():
    """Of the ranks themselves: with the values 1 to n an end of the interval is its rank."""
    n = int(np.exp(rng.uniform(np.log(5), np.log(5000))))
    p = float(rng.choice([0.5, 0.9, 0.95, 0.99, 0.999]))
    confidence = float(rng.choice([0.9, 0.95, 0.98, 0.99]))
    test = stats.quantile_test(np.arange(1, n + 1), q=0, p=p)
    ends = test.confidence_interval(confidence)
    return [n, p, confidence, *(None if np.isnan(end) else int(end) for end in (ends.low, ends.high))]


def sign_flip_case():
    differences = np.round(rng.normal(rng.normal(0, 0.5), 1, int(rng.integers(2, 13))), 3)
    result = stats.permutation_test(
        (differences,), np.sum, permutation_type="samples", alternative="greater", n_resamples=np.inf
    )
    return {"differences": differences.tolist(), "pValue": result.pvalue}


def holm_case():
    p_values = np.round(rng.beta(0.5, 3, int(rng.integers(1, 15))), 5)
    return {"pValues": p_values.tolist(), "adjusted": multipletests(p_values, method="holm")[1].tolist()}


def robust_case():
    values = sample(1, 40)
    shifted = np.round(np.array(values) - 3, 3)
    return {
        "values": values,
        "median": np.median(values),
        "mean": np.mean(values),
        "geometricMean": stats.gmean(np.maximum(values, 0.001)),
        "shifted": shifted.tolist(),
        "sdAboutZero": stats.median_abs_deviation(shifted, center=lambda x, axis: 0.0, scale="normal"),
    }


cases = {
    "scipy": scipy.__version__,
    "logGamma": [log_gamma_case() for _ in range(60)],
    "incompleteBeta": [beta_case() for _ in range(100)],
    "binomialCdf": [binomial_case() for _ in range(100)],
    "normalCdf": [normal_case() for _ in range(60)],
    "normalQuantile": [normal_quantile_case() for _ in range(60)],
    "studentTCdf": [t_cdf_case() for _ in range(120)],
    "studentTQuantile": [t_quantile_case() for _ in range(120)],
    "paired": [paired_case() for _ in range(100)],
    "quantile": [quantile_case() for _ in range(60)],
    "orderStatistics": [order_statistics_case() for _ in range(80)],
    "signFlip": [sign_flip_case() for _ in range(60)],
    "holm": [holm_case() for _ in range(40)],
    "robust": [robust_case() for _ in range(40)],
}
assert sum(len(of) for of in cases.values() if isinstance(of, list)) == 1000
lines = [f"{json.dumps(name)}: {json.dumps(of, default=float)}" for name, of in cases.items()]
path = pathlib.Path(__file__).with_name("scipy-fixture.json")
path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
