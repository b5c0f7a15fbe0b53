"""The `lite` net of semantic segmentation: a light DeepLab V3, taught by a larger one."""
