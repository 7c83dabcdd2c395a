# The Python side of python-peers.mjs: does what a line of JSON asks for, answers with a line of JSON.
import json
import struct
import sys

import numpy as np
import xgboost
from sklearn.feature_extraction import DictVectorizer

import bentoml
from bentoml._internal.models.model import ModelContext


def bits(values):
    return struct.pack(f">{len(values)}f", *values).hex()


def rows(count=60):
    random = np.random.RandomState(7)
    homes = ["rent", "owner", "parents"]
    return [
        {"home": homes[random.randint(3)], "age": int(random.randint(18, 80)), "income": float(random.rand() * 300)}
        for _ in range(count)
    ]


def train():
    vectorizer = DictVectorizer(sparse=False)
    data = rows()
    x = vectorizer.fit_transform(data)
    y = np.array([row["income"] > 150 or row["home"] == "owner" for row in data]).astype(int)
    params = {"max_depth": 3, "objective": "binary:logistic", "seed": 1, "nthread": 1}
    return xgboost.train(params, xgboost.DMatrix(x, label=y), num_boost_round=10), vectorizer, x


def save(name):
    booster, vectorizer, x = train()
    opaque = eval(compile("lambda p: p > 0.5", "decide.py", "eval"), {"__name__": "decide"})
    model = bentoml.xgboost.save_model(
        name,
        booster,
        signatures={"predict": {"batchable": True, "batch_dim": 0}},
        labels={"team": "risk", "stage": "dev"},
        metadata={"rows": len(x), "nested": {"list": [1, 2.5, True]}},
        custom_objects={"DictVectorizer": vectorizer, "decide": opaque},
    )
    return {"tag": str(model.tag)}


def create(name):
    # Before 1.1 these two had no defaults.
    context = ModelContext(framework_name="", framework_versions={})
    with bentoml.models.create(name, module="", signatures={}, context=context) as model:
        with open(model.path_of("weights.bin"), "wb") as file:
            file.write(bytes(range(256)) * 100)
    return {"tag": str(model.tag)}


def predict(tag):
    booster = bentoml.xgboost.load_model(tag)
    _, vectorizer, x = train()
    return {"rows": rows(), "vectors": x.tolist(), "bits": bits(booster.predict(xgboost.DMatrix(x)))}


def run(tag, method):
    """Through a runner, as a service of BentoML's first generation does; newer versions keep it."""
    runner = bentoml.xgboost.get(tag).to_runner()
    runner.init_local(quiet=True)
    _, _, x = train()
    return {"bits": bits(np.ravel(getattr(runner, method).run(x)))}


def churn(name, rounds):
    # BentoML's own deletion fails when somebody else deletes from the same name meanwhile, so it keeps to a name of its own.
    kept, own = [], []
    for each in range(rounds):
        kept.append(create(name)["tag"])
        own.append(create("python")["tag"])
        if each % 2 == 1:
            bentoml.models.delete(own.pop(0))
    return {"tags": kept + own}


OPERATIONS = {
    "save": save,
    "create": create,
    "predict": predict,
    "run": run,
    "churn": churn,
    "list": lambda: {"tags": sorted(str(model.tag) for model in bentoml.models.list())},
    "latest": lambda name: {"tag": str(bentoml.models.get(name + ":latest").tag)},
    "export": lambda tag, path, format: {"path": bentoml.models.export_model(tag, path, format)},
    "import": lambda path, format: {"tag": str(bentoml.models.import_model(path, format).tag)},
    "delete": lambda tag: {"gone": bentoml.models.delete(tag)},
}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = OPERATIONS[request["do"]](**request["with"])
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print("ANSWER " + json.dumps(answer), flush=True)
