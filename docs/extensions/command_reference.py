"""Directive `commands`: a section for each verb of the command line, from its dataclass.

The classes are those that make the command line, and the descriptions the docstrings under their
fields, so the page cannot say anything else than `reslab VERB --help`.
"""

from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from importlib import import_module
from inspect import getdoc
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from tyro.conf import Fixed, Positional, Suppress
from tyro.constructors import PrimitiveConstructorSpec

POSITIONAL = get_args(Positional[int])[1]
HIDDEN = {get_args(Fixed[int])[1], get_args(Suppress[int])[1]}
NAMES = {"bool": "", "str": "TEXT"}


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option, or one positional argument, of a verb."""

    name: str
    """As it is typed: `--data-root`, or `NAME` for an argument without a name."""
    value: str
    """What follows it: `PATH`, `digits|cifar10`; empty for a flag."""
    default: str
    """Empty where there is none to show."""
    text: str
    """Its description."""


def list_verbs() -> dict[str, type]:
    """The class of each verb, by the name that the command line gives it."""
    from reslab.cli.main import Verb  # noqa: PLC0415 - the option parser loads when it is needed

    return dict(sorted(_verbs_of(Verb)))


def _verbs_of(union: Any, prefix: str = "") -> Iterator[tuple[str, type]]:
    for member in get_args(union):
        verb, *settings = get_args(member)
        name = prefix + next(part.name for part in settings if getattr(part, "name", None))
        hints = get_type_hints(verb, include_extras=True)
        inner = [hint for hint in hints.values() if _forks(hint)]
        if not inner:
            yield name, verb
        for hint in inner:
            yield from _verbs_of(hint, f"{name} ")


def _forks(hint: Any) -> bool:
    """Whether a field stands for one of several verbs, as `check` and `pack` of `reslab data`."""
    members = [get_args(member)[:1] for member in get_args(hint)]
    return bool(members) and all(member and is_dataclass(member[0]) for member in members)


def list_options(verb: type) -> list[Option]:
    """The options of a verb in the order of its help, those of nested classes in their place."""
    hints = get_type_hints(verb, include_extras=True)
    texts = _read_field_docs(verb)
    options = []
    for field in fields(verb):
        kind, settings = _unwrap(hints[field.name])
        if HIDDEN.intersection(settings):
            continue
        if is_dataclass(kind):
            options += list_options(kind)
            continue
        text = " ".join(line.strip() for line in texts[field.name]).strip()
        options.append(_to_option(field, kind, settings, text))
    return options


def _read_field_docs(verb: type) -> dict[str, list[str]]:
    """The lines under each field, of the class itself and of those it derives from."""
    found: dict[str, list[str]] = {}
    for part in filter(is_dataclass, reversed(verb.__mro__)):
        docs = ModuleAnalyzer.for_module(part.__module__).find_attr_docs()
        found |= {field: lines for (owner, field), lines in docs.items() if owner == part.__name__}
    return found


def _unwrap(hint: Any) -> tuple[Any, list[Any]]:
    """A type without its annotations and without None, and the annotations."""
    settings: list[Any] = []
    while True:
        if hasattr(hint, "__metadata__"):
            settings += hint.__metadata__
            hint = hint.__origin__
        elif get_origin(hint) in (Union, UnionType):
            some = [part for part in get_args(hint) if part is not NoneType]
            if len(some) > 1:
                return hint, settings
            (hint,) = some
        else:
            return hint, settings


def _to_option(field: Field[Any], kind: Any, settings: list[Any], text: str) -> Option:
    named = [part.name for part in settings if getattr(part, "name", None)]
    metavars = [part.metavar for part in settings if getattr(part, "metavar", None)]
    positional = POSITIONAL in settings
    value = metavars[0] if metavars else _describe_value(kind)
    name = field.name.upper() if positional else "--" + (named or [field.name])[0].replace("_", "-")
    if positional and metavars:
        name = metavars[0]
    return Option(
        name=name,
        value="" if positional else value,
        default=_describe_default(field, kind),
        text=text,
    )


def _describe_value(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "|".join(str(choice) for choice in get_args(kind))
    if get_origin(kind) is tuple:
        inner, settings = _unwrap(get_args(kind)[0])
        specs = [part.metavar for part in settings if isinstance(part, PrimitiveConstructorSpec)]
        return specs[0] if specs else f"{_describe_value(inner)} …"
    if get_origin(kind) in (Union, UnionType):
        return "|".join(_describe_value(part) for part in get_args(kind) if part is not NoneType)
    return NAMES.get(kind.__name__, kind.__name__.upper())


def _describe_default(field: Field[Any], kind: Any) -> str:
    if field.default is MISSING and field.default_factory is MISSING:
        return "required"
    if kind is bool or field.default in (None, "", ()) or field.default is MISSING:
        return ""
    return f"default `{field.default}`"


class Commands(SphinxDirective):
    """`commands`: every verb with its description, its options and their defaults."""

    def run(self) -> list[nodes.Node]:
        """Write Markdown and have it parsed."""
        parts = [_write_verb(name, verb) for name, verb in list_verbs().items()]
        for verb in list_verbs().values():
            self.env.note_dependency(import_module(verb.__module__).__file__ or "")
        return self.parse_text_to_nodes("\n".join(parts), allow_section_headings=True)


def _write_verb(name: str, verb: type) -> str:
    options = list_options(verb)
    words = [option.name for option in options if not option.name.startswith("--")]
    usage = " ".join(["reslab", name, *words, "[OPTIONS]"])
    lines = [f"## reslab {name}", "", f"```text\n{usage}\n```", "", getdoc(verb) or "", ""]
    for option in options:
        title = f"`{option.name} {option.value}`".replace(" `", "`")
        lines += [title + (f", {option.default}" if option.default else ""), f": {option.text}", ""]
    return "\n".join(lines)


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directive known."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
