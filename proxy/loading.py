"""config.yaml → one frozen tree, or every fault at once, each with its line, its key path and what would be allowed.

The walk: the YAML is taken apart (document.py), references are resolved (references.py), every value is judged by
itself (config.py), then what they say together (crosschecks.py). A fault does not end the walk: sections that stand
are still judged together, and a check is left out only where a section it rests on is faulty, because what it would
say might be untrue.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from proxy import document, schema
from proxy.certificates import tls_clashes
from proxy.config import Config
from proxy.crosschecks import Clash, clashes, section_of
from proxy.document import Document, Unparsable
from proxy.faults import ConfigError, Fault, Place
from proxy.references import ReadFile, References
from proxy.texts import text_clashes

__all__ = ["ConfigError", "Fault", "Loaded", "fingerprint", "load", "parse"]

Check = Callable[[Config], Iterable[Clash]]

SECTION: Final = "must be a section of keys"
LIST: Final = "must be a list"
SINGLE: Final = "must be a single value, not a list and not a section of keys"
WHOLE: Final = "must be a whole number"
SENTENCES: Final[Mapping[str, str]] = {
    "missing": "is required",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "union_tag_invalid": "must be one of {expected_tags}",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "int_parsing": WHOLE,
    "int_parsing_size": WHOLE,
    "int_type": WHOLE,
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be {ge:g} or more",
    "too_long": "must not hold more than {max_length} values",
    "too_short": "must hold at least {min_length} value",
    "string_type": SINGLE,
    "string_unicode": "must be valid Unicode text",
    "path_type": SINGLE,
    "tuple_type": LIST,
    "dict_type": SECTION,
    "mapping_type": SECTION,
    "model_type": SECTION,
    "model_attributes_type": SECTION,
    "value_error": "{error}",
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that can be used, the files it was read from, and a digest of all they held."""

    config: Config
    digest: str
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a validation must be told: the providers there are (None: those on disk), where relative paths start."""

    providers: Collection[str] | None
    folder: Path = Path()


def load(path: Path, environ: Mapping[str, str], *, providers: Collection[str] | None = None) -> Loaded:
    """Read the configuration in a file.

    `environ` is where `${NAME}` leads; relative paths in the file start at the folder it lies in, so that every command
    means the same store wherever it is typed. `providers` are the names a route may use, by default those found on
    disk. Raises ConfigError with all faults, OSError if the file itself cannot be read.
    """
    reader = _Reader()
    content = reader(path)
    config: Config | None = None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        faults = [Fault(content.count(b"\n", 0, error.start) + 1, "", "the file is not UTF-8 text")]
    else:
        checks: list[Check] = [clashes, lambda tree: tls_clashes(tree, reader), lambda tree: text_clashes(tree, reader)]
        references = References(environ, lambda named: reader(path.parent / named))
        config, faults = _examine(text, references, Surroundings(providers, path.parent), checks)
    files = tuple(reader.contents)
    digest = _digest(reader.contents)
    if config is None or faults:
        raise ConfigError(tuple(faults), files, digest)
    return Loaded(config, digest, files)


def parse(
    text: str, environ: Mapping[str, str], read_file: ReadFile, *, providers: Collection[str] | None = None
) -> Config:
    """Read the configuration in a text; pure but for `read_file`, which is where `${file:PATH}` leads.

    What `load` adds is whether certificates can be used. Raises ConfigError with all faults.
    """
    config, faults = _examine(text, References(environ, read_file), Surroundings(providers), [clashes])
    if config is None or faults:
        raise ConfigError(tuple(faults))
    return config


def fingerprint(files: Iterable[Path]) -> str:
    """Give the digest that `load` would give, had it read these files now; absent files count as absent."""
    reader = _Reader()
    for path in files:
        reader.note(path)
    return _digest(reader.contents)


@dataclass(slots=True)
class _Reader:
    """Reads each file once and keeps what was there, None where nothing could be read."""

    contents: dict[Path, bytes | None] = field(default_factory=dict)

    def __call__(self, path: Path) -> bytes:
        known = self.contents.get(path)
        if known is not None:
            return known
        self.contents[path] = None
        self.contents[path] = content = path.read_bytes()
        return content

    def note(self, path: Path) -> None:
        try:
            self(path)
        except OSError:
            self.contents[path] = None


def _digest(contents: Mapping[Path, bytes | None]) -> str:
    whole = hashlib.sha256()
    for path, content in sorted(contents.items()):
        state = b"absent" if content is None else hashlib.sha256(content).digest()
        whole.update(hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).digest() + state)
    return whole.hexdigest()


def _examine(
    text: str, references: References, around: Surroundings, checks: Iterable[Check]
) -> tuple[Config | None, list[Fault]]:
    try:
        doc = document.read(text, references)
    except Unparsable as unparsable:
        return None, [unparsable.fault]
    config, found = _validate(doc.data, around)
    faults = [*doc.faults, *_told(doc, found), *_pepper(doc)]
    doubtful = [*doc.unread, *doc.doubtful, *(place for error in found for place in _doubtful(doc, error))]
    broken = {section_of(place) for place in doubtful}
    standing = config or _standing(doc.data, broken, around)
    found_together = [clash for check in checks for clash in check(standing)] if standing is not None else []
    faults += [doc.fault(clash.place, clash.says) for clash in found_together if not clash.touches(broken)]
    return config, faults


def _validate(data: Any, around: Surroundings) -> tuple[Config | None, list[ErrorDetails]]:
    try:
        return Config.model_validate(data, context={"providers": around.providers, "folder": around.folder}), []
    except ValidationError as error:
        return None, error.errors(include_url=False, include_input=False)


def _told(doc: Document, found: Iterable[ErrorDetails]) -> Iterable[Fault]:
    """Put what validation found into words, without what follows from a value that could not be read."""
    for error in found:
        place = _place(doc, error)
        if not any(place[:n] in doc.unread for n in range(1, len(place) + 1)):
            yield doc.fault(place, _sentence(error))


def _place(doc: Document, error: ErrorDetails) -> Place:
    place, beyond = doc.locate(error["loc"])
    if error["type"] == "missing":
        return (*place, *beyond[:1])
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return (*place, error["ctx"]["discriminator"].strip("'"))
    return place


def _sentence(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return _unknown_key(error["loc"])
    if error["type"] == "union_tag_not_found":
        return f"is required: {' or '.join(schema.kinds_at(error['loc']))}"
    return SENTENCES.get(error["type"], "is not allowed here").format_map(error.get("ctx", {}))


def _unknown_key(loc: Place) -> str:
    known = schema.keys_at(loc[:-1])
    near = get_close_matches(str(loc[-1]), known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"unknown key; known here: {', '.join(known)}{hint}"


def _pepper(doc: Document) -> Iterable[Fault]:
    place = ("store", "pepper")
    if place in doc.literals:
        yield doc.fault(place, "must never stand in the file: write ${NAME}, ${NAME:-} or ${file:PATH}")


def _doubtful(doc: Document, error: ErrorDetails) -> list[Place]:
    """Give the places that may say less than was meant.

    For an unknown key that is the section around it; at the top, the absent section it may be a slip of, or all.
    """
    place, _ = doc.locate(error["loc"])
    if error["type"] != "extra_forbidden":
        return [place]
    if len(place) > 1:
        return [place[:-1]]
    absent = [key for key in Config.model_fields if key not in doc.data]
    return [(key,) for key in get_close_matches(str(place[0]), absent, 1) or absent]


def _standing(data: Mapping[str, Any], broken: Collection[Place], around: Surroundings) -> Config | None:
    """Build the tree without its broken sections, for checks of the others; None where nothing can be said."""
    if () in broken:
        return None
    whole = {
        key: {name: part for name, part in value.items() if (key, name) not in broken}
        if isinstance(value, dict)
        else value
        for key, value in data.items()
        if (key,) not in broken and key in Config.model_fields
    }
    return _validate(whole, around)[0]
