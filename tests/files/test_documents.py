import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reslab.errors import ConfigError
from reslab.files.documents import (
    canonical_json,
    digest_document,
    from_document,
    read_json,
    to_document,
    write_json,
    write_sealed_json,
)


@dataclass(frozen=True, kw_only=True)
class Inner:
    sizes: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str
    rate: float
    inner: Inner
    limit: int | None = None


@given(st.text(), st.floats(allow_nan=False, allow_infinity=False), st.lists(st.integers()))
def test_a_document_gives_back_its_dataclass(name: str, rate: float, sizes: list[int]) -> None:
    value = Outer(name=name, rate=rate, inner=Inner(sizes=tuple(sizes)))
    assert from_document(to_document(value), Outer, "here") == value


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"nmae": "x"}, "nmae"),
        ({"rate": "fast"}, "rate"),
        ({"rate": True}, "rate"),
        ({"inner": {"sizes": [1.5]}}, "sizes"),
        ({"limit": "3"}, "limit"),
        ({"rate": float("nan")}, "rate"),
        ({"rate": float("-inf")}, "rate"),
        ({"rate": 10**400}, "rate"),
        ({"inner": {"sizes": "123"}}, "sizes"),
        ({"inner": {"sizes": {"1": 2}}}, "sizes"),
    ],
)
def test_a_wrong_document_is_refused_by_name(change: dict[str, Any], complaint: str) -> None:
    document = to_document(Outer(name="a", rate=1.0, inner=Inner(sizes=(1,)))) | change
    with pytest.raises(ConfigError, match=complaint):
        from_document(document, Outer, "file.json")


@pytest.mark.parametrize("document", [None, [], "text", {"name": "a", "rate": 1, "inner": []}])
def test_what_is_no_object_is_refused(document: Any) -> None:
    with pytest.raises(ConfigError, match=r"file\.json is not a valid Outer"):
        from_document(document, Outer, "file.json")


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ConfigError, match="rate"):
        from_document({"name": "a", "inner": {"sizes": []}}, Outer, "file.json")


def test_the_digest_ignores_the_order_of_keys() -> None:
    assert digest_document({"a": 1, "b": 2}) == digest_document({"b": 2, "a": 1})
    assert digest_document({"a": 1}) != digest_document({"a": 2})


def test_nan_is_no_document() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": [1]})
    assert read_json(path) == {"a": [1]}
    path.write_text("{")
    with pytest.raises(ConfigError, match=r"a\.json is not JSON"):
        read_json(path)
    with pytest.raises(ConfigError, match=r"cannot read .*b\.json"):
        read_json(tmp_path / "b.json")


def test_a_sealed_document_is_refused_once_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    document = {"error_pct": 12.5, "loss": float("nan"), "names": ["a", "ä"], "inner": {"b": None}}
    write_sealed_json(path, document)
    assert repr(read_json(path)) == repr(document)
    path.write_text(path.read_text().replace("12.5", "12.4"))
    with pytest.raises(ConfigError, match=r"a\.json is damaged or was changed.*line `seal`"):
        read_json(path)
    changed = json.loads(path.read_text())
    del changed["seal"]
    path.write_text(json.dumps(changed))
    assert read_json(path)["error_pct"] == 12.4


@pytest.mark.parametrize(
    "content",
    ["[" * 100_000, '{"a":' * 100_000, "1" * 5000, '{"a": 1, "a": 2}', "{}x", ""],
    ids=["lists", "objects", "digits", "twice", "rest", "empty"],
)
def test_json_of_an_attacker_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"bomb\.json is not JSON"):
        read_json(path)


def test_a_file_beyond_all_measure_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(65 << 20)
    with pytest.raises(ConfigError, match="more than 64 MiB"):
        read_json(path)
