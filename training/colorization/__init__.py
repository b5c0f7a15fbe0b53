"""Training of `image_colorization_net`: a small U-Net that gives a grey picture its colours."""
