"""The optional torch toolkit that algorithm files, ours and yours, may build on.

One idea per file::

    preparation.py   pictures in: small stacks in gray or colour, local contrast
    sampling.py      which images make a step's batch, from the protocol's truth; validation's share
    kept_pairs.py    pairs of probes with references, drawn once and kept
    augmentation.py  flips, warps, parts, other pens and colours of a whole batch at once
    networks.py      networks of torchvision, timm and folders by name, with or without weights
    frozen.py        such a network as it is: its own preparation of pictures, what it says of them
    whitening.py     PCA-whitening of embeddings
    backbones.py     such networks, or a small one, with a new last layer, to be trained
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
    weights.py       what was learned, to a file and back; others' weights; without pickle
    hugging_face.py  models of transformers from a folder on disk, without download, pickle or code
    trained.py       `TrainedNetwork`: device and file of a network, whatever the ability
    embedding.py     `EmbeddingMatcher`: a network's output as template
    nearest.py       keypoints of many references that are nearest to a probe's
    geometry.py      matches of keypoints that agree on one map
    onnx_export.py   a trained network as an ONNX file
    onnx_session.py  an ONNX model, opened and asked
    onnx_recipe.py   how a picture is prepared for such a file

A network of one algorithm stands in that algorithm's folder, not here. Importing this package,
`preparation`, `sampling`, `kept_pairs`, `curves`, `nearest`, `geometry`, `trained`, `whitening` or
`embedding` does not import torch, which takes seconds: whoever describes an algorithm must not wait
for it. The other modules import it at once, so import those inside the methods that need them.
"""
