"""A Keras model as one torch module on the same storage, channels last.

`program` walks the graph and runs it, `layers` says how each layer runs, `fusion`
joins neighbours, `normalization` is batch normalization with Keras' arithmetic, and
`shared_statistics` that of a batch which several processes share.
Nothing here knows of data, losses or optimizers.
"""

from residency.engine.lowering.program import Lowered, lower, share_statistics

__all__ = ["Lowered", "lower", "share_statistics"]
