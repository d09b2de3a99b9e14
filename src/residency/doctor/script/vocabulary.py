"""Names of Keras that several checks look for."""

OPTIMIZERS = ("SGD", "Adam", "AdamW", "Adamax", "Nadam", "RMSprop", "Adagrad")
OPTIMIZERS += ("Adadelta", "Ftrl", "Lion", "Adafactor", "Lamb", "Muon")
DEFAULT_RATE = {
    **dict.fromkeys(OPTIMIZERS, 0.001),
    "SGD": 0.01,
    "Lion": 0.0001,
    "AdamW": 0.001,
}
"""Learning rate where none is given, of Keras 3.15."""
CALLBACKS = ("EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau", "CSVLogger")
CALLBACKS += ("LearningRateScheduler", "TensorBoard", "BackupAndRestore")
CALLBACKS += ("LambdaCallback", "TerminateOnNaN", "SwapEMAWeights")
LOSSES = ("CategoricalCrossentropy", "SparseCategoricalCrossentropy")
LOSSES += (
    "BinaryCrossentropy",
    "CategoricalFocalCrossentropy",
    "BinaryFocalCrossentropy",
)
LOSSES += ("MeanSquaredError", "MeanAbsoluteError", "Huber", "Hinge", "KLDivergence")
SCHEDULES = ("CosineDecay", "CosineDecayRestarts", "ExponentialDecay")
SCHEDULES += ("InverseTimeDecay", "PiecewiseConstantDecay", "PolynomialDecay")
RANDOM_LAYERS = ("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation")
RANDOM_LAYERS += ("RandomContrast", "RandomBrightness", "RandomCrop", "RandomHue")
RANDOM_LAYERS += ("RandomSaturation", "RandomErasing", "RandomShear", "RandAugment")
RANDOM_LAYERS += (
    "RandomColorJitter",
    "RandomGaussianBlur",
    "AugMix",
    "MixUp",
    "CutMix",
)
GENERATOR_AUGMENTATIONS = ("rotation_range", "width_shift_range", "height_shift_range")
GENERATOR_AUGMENTATIONS += ("brightness_range", "shear_range", "zoom_range")
GENERATOR_AUGMENTATIONS += ("channel_shift_range", "horizontal_flip", "vertical_flip")
"""Arguments of ImageDataGenerator that draw at random."""
