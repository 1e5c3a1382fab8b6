"""Writing a data set as shards: resized if asked, resumable, verified."""
