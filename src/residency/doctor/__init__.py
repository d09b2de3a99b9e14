"""The doctor: why a model does not learn, with evidence and cure.

`script/` reads a Keras script without running it, `history/` reads the curves of
a run. Nothing here changes a model, its weights or any random state.
"""
