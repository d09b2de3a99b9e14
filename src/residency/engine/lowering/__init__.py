"""A Keras model as one torch module on the same storage, channels last.

`program` walks the graph and runs it, `layers` says how each layer runs, `fusion`
joins neighbours, `normalization` is batch normalization with Keras' arithmetic.
Nothing here knows of data, losses or optimizers.
"""

from residency.engine.lowering.program import Lowered, lower

__all__ = ["Lowered", "lower"]
