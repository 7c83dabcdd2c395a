"""Sends what numpy, pandas, Pillow and requests make to a running app, and compares what comes back. python python_peers.py URL"""

import email
import hashlib
import io
import json
import sys
import traceback

import numpy as np
import pandas as pd
import requests
from pandas.testing import assert_frame_equal, assert_series_equal
from PIL import Image

URL = sys.argv[1].rstrip("/")
counts = {"passed": 0, "failed": 0}
random = np.random.default_rng(20261124)


def check(name, *arguments):
    """Runs the function below it as a case."""

    def run(body):
        try:
            body(*arguments)
            counts["passed"] += 1
            print(f"✓ {name}", flush=True)
        except Exception:
            counts["failed"] += 1
            print(f"✗ {name}\n{traceback.format_exc()}", flush=True)

    return run


def post(route, data=None, type=None, **options):
    headers = {} if type is None else {"content-type": type}
    response = requests.post(f"{URL}/{route}", data=data, headers=headers, timeout=120, **options)
    assert response.status_code == 200, f"{response.status_code}: {response.text[:1000]}"
    return response


def refusal(route, data, type):
    response = requests.post(f"{URL}/{route}", data=data, headers={"content-type": type}, timeout=120)
    return response.status_code, response.json()


# ── numpy ──

NPY = "application/x-npy"
JSON = "application/json"


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def from_npy(response):
    assert response.headers["content-type"] == NPY
    return np.load(io.BytesIO(response.content), allow_pickle=False)


def assert_same(found, expected):
    assert found.dtype == expected.dtype, f"{found.dtype}, not {expected.dtype}"
    assert found.shape == expected.shape, f"{found.shape}, not {expected.shape}"
    assert found.tobytes() == np.ascontiguousarray(expected).tobytes()


ARRAYS = {
    **{f"float{bits}": np.array([[0.1, -0.0, np.inf], [np.nan, 6e4, -np.inf]], dtype=f"float{bits}") for bits in (16, 32, 64)},
    **{f"{kind}{bits}": np.array([[0, np.iinfo(f"{kind}{bits}").max, np.iinfo(f"{kind}{bits}").min]], dtype=f"{kind}{bits}")
       for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    "bool": np.array([True, False]),
    "strings": np.array([["a", "grüße"], ["", "雪 😀"]]),
    "a scalar": np.array(1.5),
    "no rows": np.zeros((0, 3), dtype="float32"),
    "four axes": random.standard_normal((2, 3, 4, 5)).astype("float32"),
}
for name, array in ARRAYS.items():

    @check(f"numpy: .npy of {name}, both ways", array)
    def _(array):
        for type in (NPY, "application/octet-stream"):
            assert_same(from_npy(post("npy", npy(array), type)), array)

    if array.ndim > 0:

        @check(f"numpy: nested lists of {name}, both ways", array)
        def _(array):
            # Sent as .npy, read as the lists that `tolist` makes; and those sent again.
            text = post("ndarray", npy(array), NPY).text
            found = np.array(json.loads(text), dtype=array.dtype)
            assert_same(found.reshape(array.shape), array)
            if array.dtype.kind == "f" or array.size == 0 or array.dtype.itemsize < 8:
                again = post("ndarray", text, JSON).json()
                assert again == json.loads(text)


@check("numpy: Fortran order and the other byte order")
def _():
    array = random.standard_normal((3, 4)).astype("float32")
    assert_same(from_npy(post("npy", npy(np.asfortranarray(array)), NPY)), array)
    assert_same(from_npy(post("npy", npy(array.astype(">f4")), NPY)), array)


@check("numpy: a dtype is cast as `astype(casting='same_kind')` casts it")
def _():
    array = random.standard_normal((5, 4))
    found = np.array(post("floats", npy(array), NPY).json(), dtype="float32")
    assert_same(found, array.astype("float32", casting="same_kind"))
    integers = np.arange(8, dtype="int64").reshape(2, 4)
    assert_same(np.array(post("floats", npy(integers), NPY).json(), dtype="float32"), integers.astype("float32"))


@check("numpy: what is no tensor is refused with its place")
def _():
    status, problem = refusal("floats", json.dumps([[1, 2, 3, "x"]]), JSON)
    assert (status, problem["errors"]) == (400, [{"pointer": "/0/3", "message": "expected float32, got string"}])
    assert refusal("npy", npy(np.array([{"a": 1}], dtype=object)), NPY)[0] == 400
    assert refusal("npy", npy(np.array([1 + 2j])), NPY)[0] == 400
    assert refusal("npy", npy(np.zeros(3))[:-1], NPY)[0] == 400
    assert refusal("floats", npy(np.zeros((1, 3))), NPY)[0] == 400


# ── pandas ──

FRAME = pd.DataFrame(
    {
        "id": np.array([2**53 - 1, -5, 0, 7], dtype="int64"),
        "count": np.array([1, -(2**31), 2**31 - 1, 0], dtype="int32"),
        "price": [0.1, np.nan, 1e300, -2.5],
        "ratio": np.array([0.1, 0.5, np.nan, 1e-30], dtype="float32"),
        "home": ["owner", None, 'a "quoted",\nline', "grüße 雪 😀"],
        "ok": [True, False, True, True],
    }
)
DTYPES = {name: dtype for name, dtype in FRAME.dtypes.items() if name != "home"}


def assert_frame(found, expected=FRAME):
    found = found[list(expected.columns)].astype(DTYPES)
    found["home"] = found["home"].astype(object).where(found["home"].notna(), None)
    expected = expected.assign(home=expected["home"].astype(object).where(expected["home"].notna(), None))
    assert_frame_equal(found, expected, check_exact=True, check_index_type=False)


for orient in ("records", "columns", "index", "split", "values"):

    @check(f"pandas: to_json(orient='{orient}'), both ways", orient)
    def _(orient):
        route = "frame" if orient == "records" else f"frame_{orient}"
        text = FRAME.to_json(orient=orient, double_precision=15)
        # 15 digits after the point do not hold 1e-30: what was written is the truth.
        options = {"orient": orient, "precise_float": True, "dtype": False}
        sent = pd.read_json(io.StringIO(text), **options)
        found = pd.read_json(io.StringIO(post(route, text, JSON).text), **options)
        if orient == "values":
            sent.columns = found.columns = FRAME.columns
        for column in ("price", "ratio"):
            sent[column] = sent[column].astype(FRAME[column].dtype)
            found[column] = found[column].astype(FRAME[column].dtype)
        assert_frame_equal(found, sent, check_exact=True, check_dtype=False)
        assert (found["id"] == FRAME["id"]).all()


def read_csv(response):
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    return pd.read_csv(io.StringIO(response.text))


def read_parquet(response):
    assert response.headers["content-type"] == "application/vnd.apache.parquet"
    return pd.read_parquet(io.BytesIO(response.content))


@check("pandas: to_csv, both ways")
def _():
    frame = FRAME.assign(price=[0.1, np.nan, np.inf, -2.5])
    assert_frame(read_csv(post("frame_csv", frame.to_csv(index=False).encode(), "text/csv")), frame)
    windows = frame.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")
    assert_frame(read_csv(post("frame_csv", windows, "text/csv; charset=utf-8")), frame.assign(home=frame["home"]))


for compression in (None, "snappy", "gzip", "brotli", "zstd", "lz4"):
    for version in ("1.0", "2.0"):

        @check(f"pandas: to_parquet(compression={compression!r}), data pages {version}, both ways", compression, version)
        def _(compression, version):
            file = io.BytesIO()
            FRAME.to_parquet(file, compression=compression, data_page_version=version)
            for type in ("application/vnd.apache.parquet", "application/octet-stream"):
                assert_frame(read_parquet(post("frame_parquet", file.getvalue(), type)))


@check("pandas: Parquet keeps dtypes, and 64 bits")
def _():
    frame = FRAME.assign(id=np.array([2**62, -(2**63), 2**63 - 1, 0], dtype="int64"))
    file = io.BytesIO()
    frame.sample(4, random_state=1).sort_index().to_parquet(file)
    found = read_parquet(post("frame_parquet", file.getvalue(), "application/vnd.apache.parquet"))
    assert {name: found.dtypes[name] for name in DTYPES} == DTYPES, found.dtypes
    assert_frame(found, frame)
    assert_frame(read_csv(post("frame_csv", file.getvalue(), "application/vnd.apache.parquet")), frame)


@check("pandas: a table without declared columns, in every format")
def _():
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, np.nan], "c": ["x", None], "d": [True, False]})
    parquet = io.BytesIO()
    frame.to_parquet(parquet)
    bodies = {
        JSON: frame.to_json(orient="records"),
        "text/csv": frame.to_csv(index=False),
        "application/vnd.apache.parquet": parquet.getvalue(),
    }
    for type, body in bodies.items():
        expected = [{"a": 1, "b": 0.5, "c": "x", "d": True}, {"a": 2, "b": None, "c": None, "d": False}]
        assert post("frame_any", body, type).json() == expected, type


@check("pandas: a cell that does not fit is refused by row and column")
def _():
    frame = FRAME.assign(count=[1, 2**31, 3, 4])
    status, problem = refusal("frame_csv", frame.to_csv(index=False).encode(), "text/csv")
    message = 'must be int32, not "2147483648" (row 2, column 2)'
    assert (status, problem["errors"]) == (400, [{"pointer": "/1/count", "message": message}])
    assert refusal("frame", FRAME.drop(columns="id").to_json(orient="records"), JSON)[0] == 400


for name, values in {"int64": [2**53 - 1, -5], "strings": ["grüße", "雪"], "bool": [True, False]}.items():

    @check(f"pandas: a series of {name}, both ways", values)
    def _(values):
        series = pd.Series(values)
        for orient in ("index", "split"):
            text = post(f"series_{orient}", series.to_json(orient=orient), JSON).text
            found = pd.read_json(io.StringIO(text), typ="series", orient=orient, dtype=False)
            assert_series_equal(found, series, check_index_type=False, check_dtype=False)


for orient in ("records", "index", "split"):

    @check(f"pandas: a series, to_json(orient='{orient}'), both ways", orient)
    def _(orient):
        route = "series" if orient == "records" else f"series_{orient}"
        series = pd.Series([1.0, 0.1, np.nan, -2.5])
        text = post(route, series.to_json(orient=orient), JSON).text
        found = pd.read_json(io.StringIO(text), typ="series", orient=orient, precise_float=True)
        assert_series_equal(found, series, check_index_type=False, check_exact=True)


# ── Pillow ──


def encoded(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def picture(mode, width, height):
    if mode == "P":
        return picture("RGB", width, height).quantize(32)
    channels = {"L": (), "RGB": (3,), "RGBA": (4,)}[mode]
    noise = random.integers(0, 256, (height, width, *channels), dtype="uint8")
    x = np.linspace(0, 255, width)[None, :]
    y = np.linspace(0, 255, height)[:, None]
    smooth = ((x + y) / 2).astype("uint8")
    return Image.fromarray((noise // 4 + (smooth if channels == () else smooth[..., None]) // 2).astype("uint8"))


FILES = {
    "PNG": [("RGB", {}), ("RGBA", {}), ("L", {}), ("P", {})],
    "WEBP": [("RGB", {"lossless": True}), ("RGBA", {"lossless": True, "exact": True}), ("RGB", {"quality": 70})],
    "JPEG": [
        ("RGB", {"quality": 90, "subsampling": 0}),
        ("RGB", {"quality": 90, "subsampling": 2}),
        ("RGB", {"quality": 60, "progressive": True, "subsampling": 1}),
        ("L", {"quality": 90}),
    ],
}
for format, variants in FILES.items():
    for mode, options in variants:

        @check(f"Pillow: {format} of {mode} {options or ''}: the same pixels, both ways", format, mode, options)
        def _(format, mode, options):
            for width, height in ((1, 1), (16, 16), (33, 21), (200, 150)):
                body = encoded(picture(mode, width, height), format, **options)
                read = Image.open(io.BytesIO(body))
                for route, expected in (("image", read.convert("RGB")), ("image_grey", read.convert("L"))):
                    response = post(route, body, f"image/{format.lower()}")
                    assert response.headers["content-type"] == "image/png"
                    found = Image.open(io.BytesIO(response.content))
                    assert found.mode == expected.mode, f"{found.mode}, not {expected.mode}"
                    difference = np.abs(np.asarray(found).astype(int) - np.asarray(expected).astype(int))
                    assert difference.max() == 0, f"{route}, {width} × {height}: {difference.max()} off"


for mode in ("RGB", "RGBA", "L", "P"):

    @check(f"Pillow: PNG of {mode} as RGBA", mode)
    def _(mode):
        read = picture(mode, 33, 21)
        found = Image.open(io.BytesIO(post("image_rgba", encoded(read, "PNG"), "image/png").content))
        assert found.mode == "RGBA"
        assert (np.asarray(found) == np.asarray(read.convert("RGBA"))).all()


for format in ("JPEG", "WEBP"):

    @check(f"Pillow: {format} that is sent, read", format)
    def _(format):
        x, y = np.linspace(0, 255, 120)[None, :, None], np.linspace(0, 255, 80)[:, None, None]
        smooth = Image.fromarray(((x + y) / 2 * np.array([1, 0.6, 0.3])).astype("uint8"))
        response = post(f"image_{format.lower()}", encoded(smooth, "PNG"), "image/png")
        assert response.headers["content-type"] == f"image/{format.lower()}"
        found = Image.open(io.BytesIO(response.content))
        assert (found.format, found.mode, found.size) == (format, "RGB", smooth.size)
        # Both lose a little of a smooth picture, and no more.
        assert np.abs(np.asarray(found).astype(int) - np.asarray(smooth).astype(int)).mean() < 2


@check("Pillow: what is no image, or another one, is refused")
def _():
    assert refusal("image", encoded(picture("RGB", 9, 9), "GIF"), "image/gif")[0] == 415
    assert refusal("image", encoded(picture("RGB", 9, 9), "TIFF"), "image/png")[0] == 400
    assert refusal("image", encoded(picture("RGB", 90, 90), "PNG")[:-60], "image/png")[0] == 400
    assert refusal("image", encoded(Image.new("RGB", (2049, 2049)), "PNG"), "image/png")[0] == 413


# ── requests ──


def parts_of(response):
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + response.content)
    assert not message.defects, message.defects
    return [(part.get_param("name", header="content-disposition"), part) for part in message.get_payload()]


@check("requests: a form, both ways")
def _():
    photo, other = picture("RGB", 30, 20), encoded(picture("RGB", 20, 30), "JPEG")
    person = {"name": "Ada", "age": 36}
    fields = [
        ("meta", (None, json.dumps(person), JSON)),
        ("note", (None, "grüße")),
        ("rows", ("rows.npy", npy(np.array([[1, 2]], dtype="float32")), NPY)),
        ("table", ("t.csv", FRAME.to_csv(index=False).encode(), "text/csv")),
        ("photos", ("1.png", encoded(photo, "PNG"), "image/png")),
        ("photos", ("2.jpg", other, "image/jpeg")),
        ("files", ("ünï.bin", b"\0\xff\r\n--", "application/octet-stream")),
    ]
    parts = parts_of(post("form", files=fields))
    assert [name for name, _ in parts] == ["meta", "note", "rows", "table", "photos", "photos", "files"]
    content = [part.get_payload(decode=True) for _, part in parts]
    assert json.loads(content[0]) == person
    assert content[1].decode() == "grüße"
    assert json.loads(content[2]) == [[1, 2]]
    table = pd.read_json(io.BytesIO(content[3]), precise_float=True, dtype=False)
    assert_frame_equal(table, FRAME, check_exact=True, check_dtype=False)
    assert (np.asarray(Image.open(io.BytesIO(content[4]))) == np.asarray(photo)).all()
    assert (np.asarray(Image.open(io.BytesIO(content[5]))) == np.asarray(Image.open(io.BytesIO(other)))).all()
    assert content[6] == b"\0\xff\r\n--"
    # Fields as `data` has them, without a type each.
    plain = post("form", data={"meta": json.dumps(person), "rows": "[1, 2]"}, files={"photos": encoded(photo, "PNG")})
    assert [name for name, _ in parts_of(plain)] == ["meta", "rows", "photos"]


@check("requests: a form with faults says all of them")
def _():
    response = requests.post(f"{URL}/form", files={"meta": (None, '{"name": ""}'), "x": (None, "")}, timeout=60)
    assert response.status_code == 400
    pointers = {error["pointer"] for error in response.json()["errors"]}
    assert {"/meta/name", "/meta/age", "/x", "/rows"} <= pointers, pointers


@check("requests: a file, as the body or as BentoML's documentation sends it")
def _():
    body = random.bytes(100_000)
    assert post("file", body, "application/pdf").content == body
    assert post("file", files={"upload_file": ("a.pdf", body)}).content == body
    photo = picture("RGB", 30, 20)
    response = post("image", files={"upload_file": ("a.png", encoded(photo, "PNG"), "image/png")})
    assert (np.asarray(Image.open(io.BytesIO(response.content))) == np.asarray(photo)).all()


@check("requests: 100 MB streamed, as the body and in a form")
def _():
    chunk = random.bytes(2**20)
    digest = hashlib.sha256(chunk * 100).hexdigest()
    expected = {"bytes": 100 * len(chunk), "sha256": digest}
    assert post("upload", (chunk for _ in range(100)), "application/octet-stream").json() == expected
    fields = [("meta", (None, '{"name": "Ada", "age": 36}')), ("data", ("big", chunk * 100))]
    assert post("form_upload", files=fields).json() == {"name": "Ada", **expected}


@check("requests: text, whole and in chunks")
def _():
    words = "Not for nothing did Orin say that people outdoors down here just scuttle. 雪 😀"
    assert post("text", words.encode(), "text/plain").content.decode() == words
    chunked = post("text_stream", (letter.encode() for letter in words), "text/plain; charset=utf-8", stream=True)
    assert b"".join(chunked.iter_content(None)).decode() == words


@check("requests: server-sent events and lines of JSON")
def _():
    lines = post("events", "one two three", "text/plain", stream=True).iter_lines(decode_unicode=True)
    assert [line for line in lines if line] == ["data: one", "data: two", "data: three", "event: done", "data: "]
    people = [{"name": name, "age": age} for age, name in enumerate(["Ada", "Grüße", "雪"])]
    body = "\n".join(json.dumps(person) for person in people).encode()
    response = post("lines", body, "application/x-ndjson", stream=True)
    assert [json.loads(line) for line in response.iter_lines()] == people


@check("requests: JSON, and what is wrong with it")
def _():
    person = {"name": "Ada", "age": 36, "tags": ["a"]}
    for route in ("json_zod", "json_schema", "json_coerced"):
        assert post(route, json=person).json() == person
    assert post("json_coerced", json={"name": "Ada", "age": "36"}).json() == {"name": "Ada", "age": 36}
    for route in ("json_zod", "json_schema"):
        status, problem = refusal(route, json.dumps({"name": "", "age": "36"}), JSON)
        assert status == 400 and {error["pointer"] for error in problem["errors"]} == {"/name", "/age"}, problem
    status, problem = refusal("json_zod", '{"name": "Ada",\n "age": NaN}', JSON)
    assert status == 400 and "line 2, column 9" in problem["detail"], problem


print(f"{counts['passed']} passed, {counts['failed']} failed")
sys.exit(counts["failed"] > 0)
