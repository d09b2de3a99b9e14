"""Where the text shows last layer and loss, and where it does not."""

import pytest

from residency.doctor.script.heads import heads

IMPORTS = "import keras\nimport tensorflow as tf\nfrom keras import layers\n"
BY_NAME = 'model.compile("adam", "sparse_categorical_crossentropy")\n'
PLAIN = {
    "list": "model = keras.Sequential([layers.Flatten(), layers.Dense(10)])\n",
    "name": "last = layers.Dense(10)\nmodel = keras.Sequential([last])\n",
    "add": "model = tf.keras.Sequential()\nfor n in range(3):\n"
    "    model.add(layers.Dense(8, activation='relu'))\nmodel.add(layers.Dense(10))\n",
    "list and add": "model = keras.Sequential([layers.Flatten()])\n"
    "model.add(layers.Dense(10, activation=None))\n",
    "outputs": "i = keras.Input((8,))\nx = layers.Dense(8)(i)\n"
    "x = layers.Dense(10)(x)\nmodel = keras.Model(i, x)\n",
    "layer called": "i = keras.Input((8,))\nhead = layers.Dense(10)\n"
    "model = keras.Model(inputs=i, outputs=head(i))\n",
    "function": "def make():\n    net = keras.Sequential()\n"
    "    net.add(layers.Dense(10))\n    return net\nmodel = make()\n",
}
NOT_PLAIN = {
    "branch": "x = i = keras.Input((8,))\nx = layers.Dense(10)(x)\nif soft:\n"
    "    x = layers.Softmax()(x)\nmodel = keras.Model(i, x)\n",
    "added in a branch": "model = keras.Sequential([layers.Dense(10)])\nif soft:\n"
    "    model.add(layers.Softmax())\n",
    "handed on": "model = keras.Sequential([layers.Dense(10)])\nadd_head(model)\n",
    "popped": "model = keras.Sequential([layers.Dense(2), layers.Dense(10)])\n"
    "model.pop()\n",
    "changed": "model = keras.Sequential([layers.Dense(10)])\n"
    "model.layers[-1].activation = keras.activations.softmax\n",
    "two returns": "def make(soft):\n    if soft:\n"
    "        return keras.Sequential([layers.Softmax()])\n"
    "    return keras.Sequential([layers.Dense(10)])\nmodel = make(True)\n",
    "added to what a function gave": "def make():\n"
    "    return keras.Sequential([layers.Dense(10)])\n"
    "model = make()\nmodel.add(layers.Softmax())\n",
    "parameter": "def make(activation=None):\n"
    "    return keras.Sequential([layers.Dense(10, activation=activation)])\n"
    "model = make('softmax')\n",
    "options": "model = keras.Sequential([layers.Dense(10, **options)])\n",
    "unpacked": "model = keras.Sequential([*body, *head])\n",
    "another layer": "model = keras.Sequential([layers.Dense(10), Scaled()])\n",
    "own layer": "class Dense(layers.Layer):\n    pass\n"
    "model = keras.Sequential([Dense(10)])\n",
    "loaded": "model = keras.saving.load_model('m.keras')\n",
    "two outputs": "i = keras.Input((8,))\n"
    "model = keras.Model(i, [layers.Dense(10)(i), layers.Dense(10)(i)])\n",
}


def found(parsed, text):
    return [(h.activation, h.loss, h.from_logits) for h in heads(parsed(text))]


@pytest.mark.parametrize("build", PLAIN)
def test_what_is_plain(parsed, build):
    (head,) = found(parsed, IMPORTS + PLAIN[build] + BY_NAME)
    assert head == ("linear", "SparseCategoricalCrossentropy", False)


@pytest.mark.parametrize("build", NOT_PLAIN)
def test_what_is_not(parsed, build):
    assert found(parsed, IMPORTS + NOT_PLAIN[build] + BY_NAME) == []


@pytest.mark.parametrize(
    ("last", "activation"),
    [
        ("layers.Dense(1, 'sigmoid')", "sigmoid"),
        ("layers.Dense(10, activation='softmax')", "softmax"),
        ("layers.Dense(10, activation=tf.nn.softmax)", "softmax"),
        ("layers.Dense(10, activation=keras.activations.softmax)", "softmax"),
        ("layers.Activation('softmax')", "softmax"),
        ("layers.Softmax()", "softmax"),
    ],
)
def test_activations(parsed, last, activation):
    text = f"{IMPORTS}model = keras.Sequential([layers.Dense(10), {last}])\n{BY_NAME}"
    assert [head[0] for head in found(parsed, text)] == [activation]


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("'binary_crossentropy'", [("BinaryCrossentropy", False)]),
        ("tf.keras.losses.BinaryCrossentropy(True)", [("BinaryCrossentropy", True)]),
        (
            "keras.losses.CategoricalCrossentropy(label_smoothing=0.1)",
            [("CategoricalCrossentropy", False)],
        ),
        ("keras.losses.CategoricalCrossentropy(from_logits=logits)", []),
        ("keras.losses.CategoricalCrossentropy(**options)", []),
        ("'mse'", []),
        ("CategoricalCrossentropy()", []),
        ("['binary_crossentropy']", []),
    ],
)
def test_losses(parsed, loss, expected):
    text = f"{IMPORTS}model = keras.Sequential([layers.Dense(10)])\nloss = {loss}\n"
    for given in (loss, "loss"):
        whole = f"{text}model.compile(optimizer='adam', loss={given})\n"
        assert [head[1:] for head in found(parsed, whole)] == expected
