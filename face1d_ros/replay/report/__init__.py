"""What a bag of results says: figures, timelines and pictures, as a page, as JSON and as CSV; and two compared."""
