"""What is trained: plain and residual networks from one description (He et al. 2016, §3.3, §4)."""
