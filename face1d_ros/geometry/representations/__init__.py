"""Faces as 1D signals: a few numbers along a curve, along time, or of a whole shape, and the way back."""
