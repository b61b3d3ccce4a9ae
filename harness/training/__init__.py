"""The optional torch toolkit that algorithm files, ours and yours, may build on.

One idea per file::

    preparation.py   pictures in: small gray stacks, local contrast
    sampling.py      which images make a training pair or triplet, from the protocol's truth
    augmentation.py  flips and small warps of a whole batch at once
    networks.py      the Siamese network of Di & Patel (2016), with Caffe's initial weights
    losses.py        contrastive and triplet loss
    mining.py        non-mated pairs and triplets out of a batch of mated pairs
    schedules.py     Caffe's step policy and its doubled learning rate of biases
    loop.py          the descent itself, with progress
    weights.py       what was learned, to a file and back, without pickle
    embedding.py     `EmbeddingMatcher`: a network's output as template, Euclidean distance
    siamese.py       `SiameseMatcher`: what the algorithms contrastive and triplet share

Importing this package, `preparation`, `sampling`, `embedding` or `siamese` does not import torch,
which takes seconds: whoever describes an algorithm must not wait for it. The other modules import
it at once, so import those inside the methods that need them.
"""
