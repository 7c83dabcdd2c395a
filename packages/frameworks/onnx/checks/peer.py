# The Python side of python-peer.mjs: does one thing, and answers with a line of JSON.
import importlib
import json
import sys

import bentoml
import numpy as np
import onnx

bentoml_onnx = importlib.import_module('bentoml.onnx')
operation, values = sys.argv[1], json.loads(sys.argv[2])
rows = np.array(values['rows'], np.float32)


def bits(array):
    return np.asarray(array, '<f4').tobytes().hex()


def save(file):
    saved = bentoml_onnx.save_model('theirs', onnx.load(file), signatures={'run': {'batchable': True}})
    session = bentoml_onnx.load_model(saved.tag)
    return {'tag': str(saved.tag), 'bits': bits(session.run(None, {'x': rows})[0])}


def load(tag):
    model = bentoml.models.get(tag)
    runnable = bentoml_onnx.get_runnable(model)()
    return {
        'session': bits(bentoml_onnx.load_model(tag).run(None, {'x': rows})[0]),
        'runner': bits(runnable.run(rows)),
        'batchable': model.info.signatures['run'].batchable,
    }


def externalise(file, target):
    onnx.save_model(onnx.load(file), target, save_as_external_data=True, location='mlp.weights', size_threshold=0)
    return {}


def import_(path):
    return {'tag': str(bentoml.models.import_model(path).tag)}


operations = {'save': save, 'load': load, 'externalise': externalise, 'import': import_}
del values['rows']
print(json.dumps(operations[operation](**values)))
