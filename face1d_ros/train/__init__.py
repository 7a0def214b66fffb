"""Networks from data to bundles. All of it needs PyTorch, which neither nodes nor demo do."""

from importlib.util import find_spec

from face1d_ros.errors import MissingDependencyError

for _module, _name in (("torch", "PyTorch"), ("safetensors", "safetensors"), ("onnxslim", "OnnxSlim")):
    if find_spec(_module) is None:
        raise MissingDependencyError(
            _name, "training and export", "install it: pip install -r requirements/train.txt in the checkout"
        )
