import torch

# As in test/nets: these networks are too small to share among threads.
torch.set_num_threads(1)
