"""The optional torch toolkit that algorithm files, ours and yours, may build on.

One idea per file::

    preparation.py   pictures in: small stacks in gray or colour, local contrast
    sampling.py      which images make a step's batch, from the protocol's truth; validation's share
    augmentation.py  flips, warps, parts, other pens and colours of a whole batch at once
    networks.py      the Siamese network of Di & Patel (2016), with Caffe's initial weights
    backbones.py     torchvision's networks with a new last layer, and a small one
    losses.py        contrastive, triplet and ArcFace loss
    mining.py        non-mated pairs and triplets out of a batch of mated pairs
    objectives.py    a network with its augmentation and loss: what is learned
    schedules.py     learning rates over time, and Caffe's doubled one of biases
    descent.py       `Descent`: the steps, validation, the best weights, going on after a kill
    checkpoints.py   where a fit got to, in a file without pickle
    engine.py        devices, precision, several processes by Lightning Fabric
    seeding.py       random numbers that follow from the seed and the step
    validation.py    equal error rate on identities that are not learned from
    curves.py        loss, rate and validation over a fit, for the report
    loop.py          a bare loop, for fits of seconds with randomness of their own
    inception.py     InceptionV3, and a small network of its blocks
    cropping.py      the square of an image with the highest entropy
    fcn.py           DIGITS' FCN-AlexNet, its net surgery, and a small network with skips
    weights.py       what was learned, to a file and back, without pickle
    embedding.py     `EmbeddingMatcher`: a network's output as template
    unet.py          a U-Net over a residual encoder, with attention and blurred upsampling
    progressive.py   stages of growing pictures, each with rates of its own
    perceptual.py    feature and gram loss on VGG16-bn
    pretrained.py    ImageNet weights from torchvision or a file
    removal.py       what a remover of tattoos learns: overlaid ink, gate, loss
    siamese.py       `SiameseMatcher`: what the algorithms contrastive and triplet share

Importing this package, `preparation`, `sampling`, `curves`, `embedding` or `siamese` does not
import torch, which takes seconds: whoever describes an algorithm must not wait for it. The other
modules import it at once, so import those inside the methods that need them.
"""
