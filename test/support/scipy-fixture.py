"""Writes scipy-fixture.json: what SciPy says about the distributions of src/stats.

    python -m venv /tmp/scipy && /tmp/scipy/bin/pip install scipy
    /tmp/scipy/bin/python test/support/scipy-fixture.py

Numbers in, numbers out: each case is [arguments..., result].
"""

import json
import pathlib

import numpy as np
import scipy
from scipy import special, stats

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


cases = {
    "scipy": scipy.__version__,
    "logGamma": [log_gamma_case() for _ in range(40)],
    "incompleteBeta": [beta_case() for _ in range(80)],
    "binomialCdf": [binomial_case() for _ in range(80)],
    "normalCdf": [normal_case() for _ in range(40)],
    "normalQuantile": [normal_quantile_case() for _ in range(40)],
    "studentTCdf": [t_cdf_case() for _ in range(80)],
    "studentTQuantile": [t_quantile_case() for _ in range(80)],
    "paired": [paired_case() for _ in range(40)],
}
path = pathlib.Path(__file__).with_name("scipy-fixture.json")
path.write_text(json.dumps(cases, default=float, indent=1) + "\n")
