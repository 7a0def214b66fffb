"""Shapes of faces: topologies and their maps, curves, mirror partners, rigid alignment, head pose, visibility."""
