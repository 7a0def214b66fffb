import torch

# Networks of this size are slower on two threads than on one, and far slower where other programs run, too.
torch.set_num_threads(1)
