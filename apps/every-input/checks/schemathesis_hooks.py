"""What OpenAPI cannot say of these routes, told to schemathesis: what is in a binary body, that a part of a form has to come last, and
that text in a form is neither number nor text. GOOD_BODIES names a file with a body of each media type for each path."""

import base64
import json
import os

import schemathesis

with open(os.environ["GOOD_BODIES"], encoding="utf-8") as file:
    GOOD = {path: {type: base64.b64decode(body) for type, body in types.items()} for path, types in json.load(file).items()}

NPY = GOOD["/npy"]["application/x-npy"]
CSV = GOOD["/frame_csv"]["text/csv"]
PARQUET = GOOD["/frame_parquet"]["application/vnd.apache.parquet"]
PHOTO = GOOD["/image"]["image/png"]
LINES = GOOD["/lines"]["application/x-ndjson"]


def is_good(case):
    return case.meta.generation.mode.is_positive


# To OpenAPI these are strings, whatever is in them.
for body, *types in (
    (NPY, "application/x-npy"),
    (CSV, "text/csv"),
    (PARQUET, "application/vnd.apache.parquet"),
    (LINES, "application/x-ndjson", "application/ndjson", "application/jsonl"),
):

    @schemathesis.serializer(*types)
    def serialized(context, value, body=body):
        return body if is_good(context.case) else str(value).encode()


@schemathesis.hook
def before_call(context, case, kwargs):
    path, media_type, body = case.operation.path, case.media_type or "", case.body
    is_file = path in ("/file", "/upload") and media_type.startswith("multipart/")
    if is_good(case) and (is_file or media_type == "application/octet-stream"):
        # Of what kind it is, the route says; a form is a file only with a file in it.
        case.media_type = "application/octet-stream"
        case.body = PARQUET if path.startswith("/frame") else NPY
    if path == "/form" and is_good(case):
        # No rows would be no part at all.
        photos = [PHOTO for _ in body.get("photos", [])]
        case.body = {**body, "rows": body["rows"] or [[0, 1]], "photos": photos}
    if path == "/form_upload" and isinstance(body, dict) and "data" in body:
        # It is read as it comes, and the others have to be there by then.
        case.body = {**{name: part for name, part in body.items() if name != "data"}, "data": body["data"]}


# What no schema says, so that a value of the schema may be refused all the same.
RAGGED = ("/ndarray", "/npy")  # rows are of one length, at any depth
ROWS = ("/frame_columns", "/frame_split", "/frame_values")  # columns have the same rows; cells of a row are each of another type


@schemathesis.hook
def filter_failure(context, failure, case, response):
    path = case.operation.path
    if failure.code == "ST202":
        return path not in RAGGED + ROWS
    if failure.code == "ST201":
        # What is not of the type is made so; in a form any value is text, or a file; any text is CSV of some columns.
        return path not in ("/json_coerced", "/form", "/form_upload", "/frame_any")
    return True
