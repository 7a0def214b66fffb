"""Classical smoothers of landmark tracks: what learned ones must beat, and what stands in for them."""
