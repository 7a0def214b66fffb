"""What runs a network, and the bundles networks come in."""
