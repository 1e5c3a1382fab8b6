"""Weights from other libraries and back, strictly: every tensor finds its place or it is an error.

`convert.convert_weights` reads; `write.write_torchvision` and `write.write_hugging_face` write.
Each origin stands in its own file and is described by an `origins.Origin`.
"""
