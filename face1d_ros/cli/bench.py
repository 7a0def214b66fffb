"""`face1d bench`: measurements of speed."""

from face1d_ros.cli.lazy import LazyGroup

command = LazyGroup(
    "bench",
    help="Measure speed. Each prints a table; --json FILE writes it with its conditions and targets.",
    lazy={
        "convert": ("face1d_ros.cli.bench_convert", "Arrays to messages and back."),
        "landmarks": ("face1d_ros.cli.bench_landmarks", "The landmark stage beside bare MediaPipe, and its accuracy."),
        "graph": ("face1d_ros.cli.bench_graph", "Images through the nodes, between processes."),
        "pipeline": ("face1d_ros.cli.bench_pipeline", "All stages in one process, beside bare MediaPipe."),
        "stages": ("face1d_ros.cli.bench_stages", "Each stage alone, at camera pace and in a tight loop."),
        "growth": ("face1d_ros.cli.bench_growth", "What more faces, larger images and higher rates cost."),
        "replay": ("face1d_ros.cli.bench_replay", "Bags replayed with all stages: speed and memory."),
        "engines": ("face1d_ros.cli.bench_engines", "Networks on every engine, beside bare ONNX Runtime."),
        "synth": ("face1d_ros.cli.bench_synth", "Synthetic sequences, from plans to files."),
        "compare": ("face1d_ros.cli.bench_compare", "Two measurements of one command, as ratios."),
    },
)
