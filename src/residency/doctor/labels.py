"""The vocabulary of the doctor: one word for each fault, whoever finds it.

The words are those of published benchmarks of training faults, put into one closed
list; ours, which those have no word for, stand at the end.
"""

from collections.abc import Mapping

LABELS: Mapping[str, str] = {
    # data
    "input_not_normalised": "inputs reach the first weights far from unit scale",
    "pretrained_preprocess_mismatch": "pixels are not what the weights were trained on",
    "channel_order": "red and blue, or the axes, are exchanged",
    "preprocess_constants": "a mean or deviation is wrong",
    "train_val_preprocess_mismatch": "training and validation are prepared differently",
    "val_augmented": "validation data change at random",
    "augmentation_too_strong": "augmentation destroys what decides the label",
    "augmentation_ineffective": "an augmentation changes nothing",
    "data_not_shuffled": "batches are sorted by class or always the same",
    "split_not_representative": "a part lacks classes of the other",
    "train_val_overlap": "validation samples are in the training data",
    "labels_wrong": "labels do not belong to the inputs",
    "label_range": "label values are impossible for loss and output",
    "class_imbalance": "class frequencies are very unequal",
    "target_not_scaled": "regression targets have a huge scale",
    # head
    "last_activation_wrong": "the last activation cannot give what is needed",
    "double_softmax": "softmax before a loss that applies it again",
    "logits_as_probabilities": "scores where the loss takes probabilities",
    "loss_task_mismatch": "the loss is not made for the task",
    "label_encoding_mismatch": "labels have not the form that the loss takes",
    "output_units_mismatch": "outputs and classes differ in number",
    "metric_misleading": "the metric does not measure the task",
    # architecture
    "missing_nonlinearity": "weight layers without activation between them",
    "redundant_activation": "two activations in a row",
    "vanishing_gradient": "early layers get no gradient",
    "missing_normalisation": "a deep network loses its signal",
    "dead_relu": "many rectifiers are zero for every input",
    "stem_too_coarse": "resolution is thrown away too early",
    "oversized_head": "the head dwarfs the body",
    "dropout_too_high": "dropout blocks learning",
    "missing_flatten": "the output keeps spatial axes",
    "bn_axis_wrong": "batch normalisation over another axis than channels",
    "disconnected_weights": "weights that cannot influence the output",
    "useless_bias_before_bn": "biases that batch normalisation cancels",
    "bn_after_dropout": "statistics that only hold with dropout on",
    "lambda_not_portable": "a function that a saved model cannot bring along",
    # transfer
    "bn_frozen_mismatch": "frozen statistics do not fit what they receive",
    "bn_stats_not_converged": "too few steps for the moving statistics",
    "bn_forced_training": "predictions depend on the other images of the batch",
    "finetune_lr_too_high": "pretrained layers trained at a from-scratch rate",
    # initial weights
    "constant_init": "a kernel starts constant",
    "init_scale_bad": "initial weights of a wrong scale",
    "regularisation_too_strong": "the penalty dominates the loss",
    "decay_on_bias_bn": "weight decay acts on biases and normalisation",
    # optimisation
    "lr_too_high": "the rate makes the loss diverge or swing",
    "lr_too_low": "the rate is too small for the planned steps",
    "too_few_epochs": "training ends while the loss still falls fast",
    "batch_size_bad": "too few updates, or batches that are noise",
    "lr_schedule_conflict": "the schedule and the optimizer or the length disagree",
    "config_not_applied": "a setting never takes effect",
    "overfitting_small_data": "far more parameters than data",
    # ours
    "dead_training": "the loss no longer depends on the batch",
    "not_learning": "training does not leave chance",
    "plateau": "nothing improves at this rate",
    "overconfident": "validation loss explodes at an accuracy that holds",
    "best_epoch_not_used": "the last weights are used, earlier ones were better",
    "recipe_departure": "the result falls short of the recipe's",
    "data_runs_out": "the data end before the training does",
    "class_order_unstable": "class numbers depend on the machine",
    "test_used_for_choosing": "the test set decides about the model",
    "api_changed": "today's Keras refuses what the script asks for",
    "mixed_keras": "parts of two Keras in one program",
    "slow_prediction": "images are predicted one a call",
    "memory": "more is kept in memory than is needed",
    "cannot_overfit": "not even a single batch is learned",
    "weight_decay_convention": "weight decay is counted otherwise than in papers",
    # advice
    "capacity_too_small": "the network is too small for the task",
    "optimizer_choice": "another optimizer is the usual choice",
    # ours, of data and transfer
    "inputs_refused": "the model cannot take the inputs",
    "nonfinite_input": "inputs or labels hold NaN or infinity",
    "validation_too_small": "too few validation samples to tell models apart",
    "blank_images": "pictures without any content",
    "shortcut": "a trivial rule tells the class",
    "bn_trains_above_frozen": "batch normalisation trains above frozen layers",
    "bn_epsilon": "epsilon is not that of the weights",
    "training_flag_ignored": "Keras overrules the mode that a layer was called with",
    "black_corners": "augmentation leaves black corners",
    "small_shift": "random shifts are next to nothing at the size of the images",
    # ours, of scripts
    "name_undefined": "nothing defines a name that is read",
    "redundant_code": "what is written twice acts once",
}
