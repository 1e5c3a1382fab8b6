"""Images and labels: where they come from, how they are augmented, in which order they are seen."""
