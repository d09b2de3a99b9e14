"""Which input each network of `keras.applications` was trained on.

Read from `keras/src/applications/*.py` of Keras 3.15.
"""

_EFFICIENT = tuple(f"EfficientNetB{n}" for n in range(8))
_EFFICIENT_V2 = tuple(f"EfficientNetV2{n}" for n in ("B0", "B1", "B2", "B3", *"SML"))
_CONV_NEXT = tuple(f"ConvNeXt{n}" for n in ("Tiny", "Small", "Base", "Large", "XLarge"))

NETWORKS_OF_MODULE = {
    "resnet": ("ResNet50", "ResNet101", "ResNet152"),
    "resnet_v2": ("ResNet50V2", "ResNet101V2", "ResNet152V2"),
    "vgg16": ("VGG16",),
    "vgg19": ("VGG19",),
    "inception_v3": ("InceptionV3",),
    "inception_resnet_v2": ("InceptionResNetV2",),
    "xception": ("Xception",),
    "mobilenet": ("MobileNet",),
    "mobilenet_v2": ("MobileNetV2",),
    "mobilenet_v3": ("MobileNetV3Small", "MobileNetV3Large"),
    "nasnet": ("NASNetMobile", "NASNetLarge"),
    "densenet": ("DenseNet121", "DenseNet169", "DenseNet201"),
    "efficientnet": _EFFICIENT,
    "efficientnet_v2": _EFFICIENT_V2,
    "convnext": _CONV_NEXT,
}
MODULE_OF_NETWORK = {
    name: module for module, names in NETWORKS_OF_MODULE.items() for name in names
}
MODE_OF_MODULE = {
    **dict.fromkeys(("resnet", "resnet50", "vgg16", "vgg19"), "caffe"),
    **dict.fromkeys(("resnet_v2", "inception_v3", "inception_resnet_v2"), "tf"),
    **dict.fromkeys(("xception", "mobilenet", "mobilenet_v2", "nasnet"), "tf"),
    "densenet": "torch",
    **dict.fromkeys(("efficientnet", "efficientnet_v2", "convnext"), "raw"),
    "mobilenet_v3": "raw",
}
"""The mode that the module's `preprocess_input` passes on; `"raw"`: it does nothing, as
the network rescales by itself."""
MODE_OF_NETWORK = {
    name: MODE_OF_MODULE[module] for name, module in MODULE_OF_NETWORK.items()
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
