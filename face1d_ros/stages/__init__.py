"""The stages: plain objects, called once a frame with what the stage before them produced."""
