"""What is wrong with a data set: broken images, duplicates, leaks, labels that contradict."""
