"""The `lite` net of foreground segmentation: the served detector and MediaPipe's net, joined by a head."""
