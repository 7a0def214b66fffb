"""3D face models: what they hold, how they are read, and where the landmarks lie on them."""
