"""Camera images in, facial signals on typed ROS 2 topics out."""

from pkgutil import extend_path

# The generated face1d_ros.msg, .srv and .action are installed; Python run from a checkout must find them too.
__path__ = extend_path(__path__, __name__)

__version__ = "0.1.0"
