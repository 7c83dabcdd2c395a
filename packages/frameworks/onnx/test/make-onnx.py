# Makes fixtures/more: models for what the other fixtures do not have, with what onnxruntime computes of them.
# onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6; usage: python make-onnx.py fixtures/more
import json, pathlib, sys
import numpy as np, onnx, onnxruntime
from onnx import TensorProto as T, helper as h, numpy_helper as nh

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(0)
MAPS = onnx.TypeProto(sequence_type={'elem_type': {'map_type': {'key_type': T.STRING, 'value_type': {'tensor_type': {'elem_type': T.FLOAT}}}}})


def value(name, dtype, shape):
    return h.make_tensor_value_info(name, dtype, shape)


def keep(name, nodes, inputs, outputs, initializers=(), feeds=None, external=False, ml=False):
    graph = h.make_graph(nodes, name, inputs, outputs, list(initializers))
    opsets = [h.make_opsetid('', 17)] + ([h.make_opsetid('ai.onnx.ml', 3)] if ml else [])
    model = h.make_model(graph, opset_imports=opsets, ir_version=9)
    path = out / f'{name}.onnx'
    if external:
        onnx.save_model(model, path, save_as_external_data=True, location=f'{name}.weights', size_threshold=0)
    else:
        path.write_bytes(model.SerializeToString())
    if feeds is None:
        return
    session = onnxruntime.InferenceSession(str(path))
    results = session.run(None, feeds)

    def plain(array):
        if isinstance(array, list):
            return array
        data = array.view(np.uint16) if array.dtype == np.float16 else array  # half bits
        return dict(dtype=str(array.dtype), shape=list(array.shape), data=data.ravel().tolist())

    expected = dict(
        tool=f'onnxruntime {onnxruntime.__version__}',
        inputs={name: plain(array) for name, array in feeds.items()},
        outputs={o.name: plain(array) for o, array in zip(session.get_outputs(), results)},
    )
    (out / f'{name}.expected.json').write_text(json.dumps(expected) + '\n')


# A value of every dtype that a tensor can have, doubled by Concat with itself: the runtime computes something.
dtypes = {
    'float16': (T.FLOAT16, [1.5, -0.000061, 65504]), 'float32': (T.FLOAT, [0.1, -3.4e38, 1e-45]),
    'float64': (T.DOUBLE, [0.1, 5e-324, -1.7e308]), 'int8': (T.INT8, [-128, 0, 127]), 'int16': (T.INT16, [-32768, 0, 32767]),
    'int32': (T.INT32, [-2147483648, 0, 2147483647]), 'int64': (T.INT64, [-(2**53) + 1, 0, 2**53 - 1]), 'uint8': (T.UINT8, [0, 1, 255]),
    'uint16': (T.UINT16, [0, 1, 65535]), 'uint32': (T.UINT32, [0, 1, 4294967295]), 'uint64': (T.UINT64, [0, 1, 2**53 - 1]),
    'bool': (T.BOOL, [True, False, True]), 'string': (T.STRING, ['', 'bentō', '弁当']),
}
keep(
    'every-dtype',
    [h.make_node('Concat', [f'{name}_in', f'{name}_in'], [f'{name}_out'], axis=0) for name in dtypes],
    [value(f'{name}_in', elem, ['n']) for name, (elem, _) in dtypes.items()],
    [value(f'{name}_out', elem, ['m']) for name, (elem, _) in dtypes.items()],
    feeds={f'{name}_in': np.array(data, dtype=object if name == 'string' else name) for name, (_, data) in dtypes.items()},
)

# ZipMap with labels that are strings, one of them a hostile key; its scores are an output as well, and come from an external file.
scale = rng.random((2, 3)).astype(np.float32)
keep(
    'zipmap-strings-external',
    [
        h.make_node('ZipMap', ['scores'], ['maps'], domain='ai.onnx.ml', classlabels_strings=['no', 'yes', '__proto__']),
        h.make_node('MatMul', ['x', 'scale'], ['scores']),
    ][::-1],
    [value('x', T.FLOAT, ['batch', 2])],
    [h.make_value_info('maps', MAPS), value('scores', T.FLOAT, ['batch', 3])],
    [nh.from_array(scale, 'scale')],
    feeds={'x': rng.random((4, 2)).astype(np.float32)},
    external=True,
    ml=True,
)

# Weights of an external file inside the branch of an If, and an input with a default.
branch = lambda name: h.make_graph(
    [h.make_node('Add', ['x', f'{name}_bias'], [f'{name}_y'])], name, [], [value(f'{name}_y', T.FLOAT, [2, 3])],
    [nh.from_array(rng.random((2, 3)).astype(np.float32), f'{name}_bias')],
)
keep(
    'if-external-default',
    [h.make_node('If', ['which'], ['y'], then_branch=branch('then'), else_branch=branch('else'))],
    [value('x', T.FLOAT, [2, 3]), value('which', T.BOOL, [])],
    [value('y', T.FLOAT, [2, 3])],
    [nh.from_array(np.array(True), 'which')],
    feeds={'x': rng.random((2, 3)).astype(np.float32)},
    external=True,
)

# What cannot be served: an output that is a sequence of tensors, and a tensor of bfloat16.
keep('sequence-output', [h.make_node('SplitToSequence', ['x'], ['parts'])], [value('x', T.FLOAT, ['n'])], [h.make_tensor_sequence_value_info('parts', T.FLOAT, ['m'])])
keep('bfloat16-input', [h.make_node('Cast', ['x'], ['y'], to=T.FLOAT)], [value('x', T.BFLOAT16, ['n'])], [value('y', T.FLOAT, ['n'])])

# Fails while it runs, for indices that the table has not.
keep('gather', [h.make_node('Gather', ['table', 'i'], ['y'])], [value('i', T.INT64, ['batch'])], [value('y', T.FLOAT, ['batch'])], [nh.from_array(np.float32([1, 2, 3]), 'table')])
