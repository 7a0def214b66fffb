"""The detector's noise: measured, fitted and made again."""
