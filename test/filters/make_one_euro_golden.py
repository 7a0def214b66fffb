"""Writes one_euro_golden.npz from the published ground truth of the One-Euro filter.

Run as `python test/filters/make_one_euro_golden.py groundTruth.csv`, with that file of
https://github.com/casiez/OneEuroFilter (commit b992684; Géry Casiez, Inria, BSD 3-Clause): a noisy sine at 120 Hz and
what a filter with min_cutoff 1 Hz, beta 0.1 and a derivative cutoff of 1 Hz makes of it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).with_name("one_euro_golden.npz")


def main(source: str) -> None:
    published = np.genfromtxt(source, delimiter=",", names=True)
    np.savez_compressed(
        GOLDEN, stamp_s=published["timestamp"], noisy=published["noisy"], filtered=published["filtered"]
    )


if __name__ == "__main__":
    main(sys.argv[1])
