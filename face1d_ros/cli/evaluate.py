"""`face1d evaluate`: measurements of how good the results are."""

from face1d_ros.cli.lazy import LazyGroup

command = LazyGroup(
    "evaluate",
    help="Measure accuracy and robustness. Each prints a table; --json FILE writes it with its conditions and targets.",
    lazy={
        "all": (
            "face1d_ros.cli.evaluate_all",
            "All tasks, and the review's tables with our rows beside the published.",
        ),
        "bags": ("face1d_ros.cli.evaluate_bags", "All stages on bags: accuracy and stability of each, and their mean."),
        "filters": ("face1d_ros.cli.evaluate_filters", "Grids of the classical filters' settings: jitter against lag."),
        "landmarks": ("face1d_ros.cli.evaluate_landmarks", "The detector on a real dataset, or on the portrait."),
        "pose": ("face1d_ros.cli.evaluate_pose", "Head pose of the detector's landmarks on BIWI or AFLW2000-3D."),
        "representations": (
            "face1d_ros.cli.evaluate_representations",
            "Faces as 1D signals: numbers kept, errors, time.",
        ),
        "ablation-1dformer": (
            "face1d_ros.cli.evaluate_ablation",
            "What each part of 1DFormer is worth, retrained, beside the paper's table.",
        ),
        "ablation-expression": (
            "face1d_ros.cli.evaluate_ablation_expression",
            "What distances, angles and differences are worth to expressions, retrained.",
        ),
        "expression": ("face1d_ros.cli.evaluate_expression", "Labels and phases of expressions."),
        "groups": ("face1d_ros.cli.evaluate_groups", "Write a CSV of groups of a synthetic corpus, for --groups."),
        "identity": ("face1d_ros.cli.evaluate_identity", "Who a facial motion is of: verification by chosen motions."),
        "mesh": ("face1d_ros.cli.evaluate_mesh", "Coefficients of a 3D face model, meshes and head pose."),
        "smoothing": ("face1d_ros.cli.evaluate_smoothing", "Filters and networks that steady landmarks over time."),
    },
)
