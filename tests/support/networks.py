"""The smallest networks that there are: for tests of what surrounds networks."""

from __future__ import annotations

import contextlib
import random


class _TinyNetwork:
    """A builder whose name is the same in every process: it becomes part of a test's name."""

    def __call__(self, n_classes, image_size, channels, n_streams):
        """Eight features of every stream by one dense layer, then the logits."""
        import keras
        from keras import layers, ops

        inputs = [keras.Input((image_size, image_size, channels)) for _ in range(n_streams)]
        dense = layers.Dense(8, activation="tanh")
        vectors = [ops.expand_dims(dense(layers.Flatten()(x) - 0.5), 1) for x in inputs]
        features = vectors[0] if n_streams == 1 else layers.Concatenate(axis=1)(vectors)
        features = layers.Identity(name="features")(features)
        logits = layers.Dense(n_classes, dtype="float32")(layers.Flatten()(features))
        return keras.Model(inputs if n_streams > 1 else inputs[0], logits)

    def __repr__(self):
        return "tiny_network"

    def __reduce__(self):
        return "tiny_network"

    def __deepcopy__(self, memo):
        return self


tiny_network = _TinyNetwork()


def small_network(n_classes, image_size, channels, n_streams):
    """A network that is compiled in no time, with dropout, whose state a training has to keep."""
    import keras

    inputs = [keras.Input((image_size, image_size, channels)) for _ in range(n_streams)]
    dense = keras.layers.Dense(8, activation="tanh")
    x = keras.layers.Concatenate()([dense(keras.layers.Flatten()(x)) for x in inputs])
    x = keras.layers.Dropout(0.1, seed=random.randrange(1, 2**31))(x)
    return keras.Model(inputs, keras.layers.Dense(n_classes, dtype="float32")(x))


@contextlib.contextmanager
def without_graphs():
    """Run TensorFlow step by step: for few steps, its graphs take longer than all else.

    Other backends go on as they do; JAX would compile every operation of a convolutional network
    alone, which takes several times as long as all of them together.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


@contextlib.contextmanager
def without_compilation():
    """Run networks step by step: for the smallest ones, compilation takes longer than all else."""
    import keras

    with contextlib.ExitStack() as stack:
        stack.enter_context(without_graphs())
        if keras.backend.backend() == "jax":
            import jax

            stack.enter_context(jax.disable_jit())
        yield
