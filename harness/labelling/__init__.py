"""Tags of single images: asked of a fitted tagger, and drawn on the image."""
