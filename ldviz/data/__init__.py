"""Images and splits: where images come from, and who is a member.

Nothing here imports torch.  Start with ``load_images`` in :mod:`ldviz.data.sources` for the
images that come with ldviz, and ``prepare_images`` in :mod:`ldviz.data.prepare` for one's own.
"""
