"""Carrying a network out to where it will run: ONNX, INT8, torch.export; checked as written."""
