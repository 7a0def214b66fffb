"""`face1d train`: from a recipe and synthetic data to a network, its checkpoint and its bundle."""

from face1d_ros.cli.lazy import LazyGroup

command = LazyGroup(
    "train",
    help="Train a network on synthetic faces (docs/training.md). Needs PyTorch: requirements/train.txt.",
    lazy={
        "aggregator": ("face1d_ros.cli.train_aggregator", "What joins the views of a face, from your own embeddings."),
        "asymmetry": ("face1d_ros.cli.train_asymmetry", "How the mesh stage reads either half of a face."),
        "expression": ("face1d_ros.cli.train_expression", "Label, intensity and phase of expressions."),
        "identity": ("face1d_ros.cli.train_identity", "Chosen facial motions, one from another."),
        "mesh": ("face1d_ros.cli.train_mesh", "Coefficients of a 3D face model from landmarks."),
        "smoothing": ("face1d_ros.cli.train_smoothing", "A smoother of landmarks."),
    },
)
