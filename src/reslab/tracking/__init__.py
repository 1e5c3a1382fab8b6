"""Runs shown where people look: TensorBoard, Weights & Biases, MLflow, trackio.

Each tracker works in a process of its own that follows the run's directory. So it cannot change
what is trained, and neither its failure nor its hanging stops the run.
"""
