"""Images and splits: where images come from, and who is a member.

Nothing here imports torch.  Start with ``load_images`` in :mod:`ldviz.data.sources`.
"""
