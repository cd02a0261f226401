"""The embedded image models: trained here, from scratch, on scikit-learn's handwritten digits.

They make image suites run anywhere: real diffusion, a real CLIP and a real
feature net, of the same classes as the large ones, small enough to travel in
the package. `harness assets train digits` makes all of them again.

* `digits-train`, `digits-heldout`: the pictures, 32 x 32, split by label with a fixed seed
* `digits-features`: a ResNet classifier, 64 features
* `digits-clip`: a two-tower CLIP of pictures and captions
* `digits-diffusion`: a text-conditioned latent diffusion pipeline

No model ever sees `digits-heldout`; what it scores there is in each folder's
`quality.json`.
"""
