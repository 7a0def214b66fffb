"""Networks, one a file. This room knows PyTorch and nothing else: not where data comes from, nor who runs them."""
