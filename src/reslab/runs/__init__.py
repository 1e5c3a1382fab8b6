"""Where runs are kept, found and executed; knows nothing of what is trained."""
