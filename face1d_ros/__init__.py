"""Camera images in, facial signals on typed ROS 2 topics out."""

import os
from pkgutil import extend_path

# The generated face1d_ros.msg, .srv and .action are installed; Python run from a checkout must find them too.
__path__ = extend_path(__path__, __name__)

# Our matrices are small. A thread of OpenBLAS gains nothing with them and, once woken, spins for the next one: that is
# a processor core each (`face1d bench pipeline` shows processor times). numpy reads this at its first import.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
