"""What is measured, how, and in which form it is written down."""
