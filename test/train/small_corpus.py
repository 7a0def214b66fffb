"""A small corpus, made in this process; by default of 68 landmarks, which needs no face model."""

from __future__ import annotations

import json
from pathlib import Path

from synth.tiny import tiny_model

from face1d_ros.synth.corpus.plans import CorpusPlan
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.corpus.writer import CorpusJob, make_shard
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.synth.noise.observe import load_noise_model
from face1d_ros.train.plans import Eventful


def small_corpus(
    folder: Path, split: str = "train", sequences: int = 8, seconds: float = 2.0, points: PointModel | None = None
) -> Corpus:
    """Of so many sequences."""
    plans = Eventful(CorpusPlan(split, 3, sequences, seconds, per_subject=1))
    job = CorpusJob(plans, points or tiny_model(), load_noise_model())
    made = [make_shard(job, folder, number) for number in range(job.shards)]
    ended = {"complete": True, "frames": sum(frames for _, frames, _ in made), "plans_sha256": "0" * 64}
    (folder / "manifest.json").write_text(json.dumps(job.manifest() | ended))
    return Corpus(folder)
