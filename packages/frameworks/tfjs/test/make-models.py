# Makes fixtures/: models that tensorflowjs writes, with what TensorFlow computes of them.
# tensorflowjs 4.22.0, tensorflow 2.19.0, tf_keras 2.19.0; usage: python make-models.py fixtures
import json, os, pathlib, sys, tempfile, types

os.environ.update(TF_USE_LEGACY_KERAS='1', TF_CPP_MIN_LOG_LEVEL='3', CUDA_VISIBLE_DEVICES='-1')
# Not used, and it does not load beside this version of protobuf.
sys.modules['tensorflow_decision_forests'] = types.ModuleType('tensorflow_decision_forests')
import numpy as np, tensorflow as tf, tensorflowjs as tfjs, tf_keras as keras

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(0)
keras.utils.set_random_seed(0)


def plain(array):
    array = np.asarray(array)
    data = [x.decode() for x in array.ravel()] if array.dtype == object else array.ravel().tolist()
    return dict(dtype='string' if array.dtype == object else str(array.dtype), shape=list(array.shape), data=data)


def expect(name, inputs, outputs):
    tool = f'tensorflow {tf.__version__}, tensorflowjs {tfjs.__version__}'
    values = dict(tool=tool, inputs={k: plain(v) for k, v in inputs.items()}, outputs={k: plain(v) for k, v in outputs.items()})
    (out / f'{name}.expected.json').write_text(json.dumps(values) + '\n')


def keep_layers(name, model, inputs, **options):
    tfjs.converters.save_keras_model(model, str(out / name), **options)
    outputs = model.predict(list(inputs.values()), verbose=0)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    expect(name, inputs, dict(zip(model.output_names, outputs)))


def keep_graph(name, function, inputs):
    module = tf.Module()
    module.f, module.w = function, w
    with tempfile.TemporaryDirectory() as saved:
        tf.saved_model.save(module, saved, signatures={'serving_default': function})
        tfjs.converters.convert_tf_saved_model(saved, str(out / name))
    expect(name, inputs, {k: v.numpy() for k, v in function(**{k: tf.constant(v) for k, v in inputs.items()}).items()})


# An MLP as a layers model, and a CNN with weights in several files.
mlp = keras.Sequential([
    keras.layers.Dense(16, activation='relu', input_shape=(8,), name='hidden'),
    keras.layers.Dense(4, activation='softmax', name='probabilities'),
])
keep_layers('mlp-layers', mlp, {'hidden_input': rng.normal(size=(10, 8)).astype(np.float32)})

image = keras.Input((6, 6, 3), name='image')
x = keras.layers.Conv2D(4, 3, activation='relu', padding='same')(image)
x = keras.layers.BatchNormalization()(x)
x = keras.layers.GlobalAveragePooling2D()(x)
scale = keras.Input((1,), name='scale')
outputs = [keras.layers.Dense(3, name='label')(x), keras.layers.Multiply(name='scaled')([x, scale])]
cnn = keras.Model([image, scale], outputs)
keep_layers(
    'cnn-layers', cnn,
    {'image': rng.random((2, 6, 6, 3)).astype(np.float32), 'scale': np.float32([[2], [3]])},
    weight_shard_size_bytes=256,
)

# Graph models: two inputs and two outputs of several dtypes; one whose shapes depend on the data, and one with a loop.
w = tf.Variable(rng.normal(size=(3, 2)).astype(np.float32))


@tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name='x'), tf.TensorSpec([None], tf.int32, name='n')])
def two(x, n):
    y = tf.matmul(x, w) * tf.cast(n, tf.float32)[:, None]
    return {'product': y, 'positive': y > 0, 'doubled': n * 2}


@tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name='x')])
def positive(x):
    return {'kept': tf.boolean_mask(x, x > 0)}


@tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name='x'), tf.TensorSpec([], tf.int32, name='times')])
def halved(x, times):
    _, y = tf.while_loop(lambda i, _: i < times, lambda i, y: (i + 1, y / 2), [tf.constant(0), x])
    return {'y': y}


keep_graph('two-graph', two, {'x': rng.normal(size=(4, 3)).astype(np.float32), 'n': np.int32([1, -2, 3, 7])})
keep_graph('positive-graph', positive, {'x': np.float32([1, -2, 3, 0, 4.5])})
keep_graph('halved-graph', halved, {'x': np.float32([1, -2, 3]), 'times': np.int32(3)})
