"""Which input each network of `keras.applications` was trained on.

Read from `keras/src/applications/*.py` of Keras 3.15: the mode that the module's
`preprocess_input` passes on, `"raw"` where the network rescales by itself.
"""

CAFFE = ("ResNet50", "ResNet101", "ResNet152", "VGG16", "VGG19")
TF = ("ResNet50V2", "ResNet101V2", "ResNet152V2", "InceptionV3", "InceptionResNetV2")
TF += ("Xception", "MobileNet", "MobileNetV2", "NASNetMobile", "NASNetLarge")
TORCH = ("DenseNet121", "DenseNet169", "DenseNet201")
RAW = tuple(f"EfficientNet{name}" for name in ("B0", "B1", "B2", "B3", "B4", "B5"))
RAW += tuple(f"EfficientNet{name}" for name in ("B6", "B7", "V2B0", "V2B1", "V2B2"))
RAW += tuple(f"EfficientNet{name}" for name in ("V2B3", "V2S", "V2M", "V2L"))
RAW += tuple(f"ConvNeXt{n}" for n in ("Tiny", "Small", "Base", "Large", "XLarge"))
RAW += ("MobileNetV3Small", "MobileNetV3Large")

MODE_OF_NETWORK = {
    name: mode
    for mode, names in (("caffe", CAFFE), ("tf", TF), ("torch", TORCH), ("raw", RAW))
    for name in names
}

MODE_OF_MODULE = {
    **dict.fromkeys(("resnet", "resnet50", "vgg16", "vgg19"), "caffe"),
    **dict.fromkeys(("resnet_v2", "inception_v3", "inception_resnet_v2"), "tf"),
    **dict.fromkeys(("xception", "mobilenet", "mobilenet_v2", "nasnet"), "tf"),
    "densenet": "torch",
    **dict.fromkeys(("efficientnet", "efficientnet_v2", "convnext"), "raw"),
    "mobilenet_v3": "raw",
}
"""Module of `keras.applications` to the mode of its `preprocess_input`."""

MODULE_OF_NETWORK = {
    **dict.fromkeys(("ResNet50", "ResNet101", "ResNet152"), "resnet"),
    **dict.fromkeys(("ResNet50V2", "ResNet101V2", "ResNet152V2"), "resnet_v2"),
    "VGG16": "vgg16",
    "VGG19": "vgg19",
    "InceptionV3": "inception_v3",
    "InceptionResNetV2": "inception_resnet_v2",
    "Xception": "xception",
    "MobileNet": "mobilenet",
    "MobileNetV2": "mobilenet_v2",
    **dict.fromkeys(("NASNetMobile", "NASNetLarge"), "nasnet"),
    **dict.fromkeys(TORCH, "densenet"),
    **dict.fromkeys(RAW, "efficientnet"),
}

EXPECTED = {
    "caffe": "blue, green, red in 0..255 minus the channel means",
    "tf": "red, green, blue in -1..1",
    "torch": "red, green, blue in 0..1, minus the means, by the deviations",
    "raw": "red, green, blue in 0..255: the network rescales by itself",
}

WEIGHT_FILES = {
    "resnet50_weights_tf": "caffe",
    "resnet101_weights_tf": "caffe",
    "resnet152_weights_tf": "caffe",
    "vgg16_weights_tf": "caffe",
    "vgg19_weights_tf": "caffe",
    "resnet50v2_weights_tf": "tf",
    "inception_v3_weights_tf": "tf",
    "xception_weights_tf": "tf",
    "densenet121_weights_tf": "torch",
    "densenet169_weights_tf": "torch",
    "densenet201_weights_tf": "torch",
}
"""How the names of Keras' released files begin."""
