"""JSON documents are read an item at a time, as `json` reads them whole."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from jaxscale.data import DataError
from jaxscale.io import _document
from jaxscale.io._document import DECODER, pieces, whole
from jaxscale.io._source import Source

SOURCE = Source(Path("log.json"), b"")
texts = st.one_of(st.text(max_size=5), st.sampled_from(['"', "\\", "é", "\U0001f600", "]", "}", ","]))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


def put_together(found):
    """The value whose pieces these are."""
    root = {(): None}
    for path, value in found:
        if not path:
            root[()] = value
            continue
        parent = root[()]
        for key in path[:-1]:
            parent = parent[key]
        if isinstance(parent, list):
            assert path[-1] == len(parent)
            parent.append(value)
        else:
            parent[path[-1]] = value
    return root[()]


@pytest.mark.parametrize("inside", [None, (), ("a",), ("a", "b")])
@settings(derandomize=True, deadline=None, max_examples=60)
@given(value=st.one_of(values, st.fixed_dictionaries({"a": st.one_of(values, st.fixed_dictionaries({"b": values}))})))
def test_the_pieces_make_the_document(inside, value):
    for text in (json.dumps(value), json.dumps(value, indent=1, ensure_ascii=False)):
        for block in (1, 3, 2**18):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(_document, "_BLOCK", block)
                found = put_together(pieces(SOURCE, io.BytesIO(text.encode()), inside))
            assert found == DECODER.decode(text)


def test_a_document_may_begin_with_a_byte_order_mark():
    assert whole(SOURCE, io.BytesIO(b"\xef\xbb\xbf [1] ")) == ["1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": [1,\n 2', "line 2: not JSON (Expecting ',' delimiter)"),
        ('{"a": [1,\n\n x]}', "line 3: not JSON (Expecting value)"),
        ('{"a": []} []', "line 1: not JSON (Extra data)"),
        ('{"a" 1}', "line 1: not JSON (Expecting ':' delimiter)"),
        ("{1: 2}", "line 1: not JSON (Expecting property name enclosed in double quotes)"),
        ("", "line 1: not JSON (Expecting value)"),
        ('{"a": [' + "[" * 10**5, "JSON nested too deeply"),
        (b'{"a": "\xff"}', "not UTF-8 text"),
    ],
)
@pytest.mark.parametrize("inside", [None, ("a",)])
@pytest.mark.parametrize("block", [1, 2**18])
def test_what_is_no_document_is_refused(monkeypatch, text, message, inside, block):
    if block == 1 and len(text) > 1000:
        block = 1000
    monkeypatch.setattr(_document, "_BLOCK", block)
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(DataError) as caught:
        list(pieces(SOURCE, io.BytesIO(content), inside))
    assert message in str(caught.value)
