"""config.yaml → tree, or every fault at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.loading import ConfigError, fingerprint, load, parse
from proxy.providers import base
from proxy.schema import settings

PROVIDERS = ("sendgrid", "twilio")
HIDDEN = "hunter2"
KEYS = st.sampled_from(sorted({part for setting in settings() for part in setting.path.split(".")}))


def no_file(path: Path) -> bytes:
    raise FileNotFoundError(2, "No such file or directory", str(path))


def told(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """Give the faults of a text as they are shown, none for a text that can be used."""
    try:
        parse(text, environ or {}, no_file, providers=PROVIDERS)
    except ConfigError as error:
        return [str(fault) for fault in error.faults]
    return []


def route(keys: str) -> str:
    return f"routes:\n  one:\n    provider: sendgrid\n    upstream: sandbox\n    {keys}\n"


def sender(keys: str) -> str:
    return f"{route('')}senders:\n- name: s\n  key: k\n  routes: [one]\n  {keys}\n"


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        pytest.param(
            "lgo: {}", "line 1, lgo", "unknown key; known here: listen, .*, log; did you mean log?", id="an unknown key"
        ),
        pytest.param("workers: 1", "line 1, workers", "unknown key", id="workers are for later"),
        pytest.param("sync: {}", "line 1, sync", "unknown key", id="sync is for later"),
        pytest.param(
            route("policy: {}"),
            "line 5, routes.one.policy",
            "unknown key; known here: provider, .*, mode",
            id="policy in a route",
        ),
        pytest.param(
            "policy: {mod: shadow}",
            "line 1, policy.mod",
            "unknown key; known here: mode, .*; did you mean mode?",
            id="a slip",
        ),
        pytest.param(
            "listen: {tls: {}}",
            "line 1, listen.tls",
            "unknown key; known here: proxy, api, public, ops",
            id="tls at the wrong place",
        ),
        pytest.param(
            "policy: {mode: off}", "line 1, policy.mode", "must be one of 'enforce' or 'shadow'", id="a word of a list"
        ),
        pytest.param("policy: []", "line 1, policy", "must be a section of keys", id="a list for a section"),
        pytest.param("policy: x", "line 1, policy", "must be a section of keys", id="a text for a section"),
        pytest.param("routes: [x]", "line 1, routes", "must be a section of keys", id="a list for routes"),
        pytest.param("senders: {}", "line 1, senders", "must be a list", id="a section for a list"),
        pytest.param(
            "senders: [x]", "line 1, senders.0", "must be a section of keys", id="a text in a list of sections"
        ),
        pytest.param("public_url: [x]", "line 1, public_url", "must be a single value", id="a list for a text"),
        pytest.param(
            "store: {pepper: [x]}", "line 1, store.pepper", "must be a single value", id="a list for a secret"
        ),
        pytest.param("store: {path: [x]}", "line 1, store.path", "must be a single value", id="a list for a path"),
        pytest.param("store: {path: ''}", "line 1, store.path", "must be the path of a file", id="no path"),
        pytest.param(
            "store: {pepper: x}",
            "line 1, store.pepper",
            r"must never stand in the file: write \$\{NAME\}",
            id="a literal pepper",
        ),
        pytest.param(
            "store: {pepper: '${X:-x}'}",
            "line 1, store.pepper",
            "must never stand in the file",
            id="a literal pepper as default",
        ),
        pytest.param("records: {max_rows: many}", "line 1, records.max_rows", "must be a whole number", id="no number"),
        pytest.param(
            "records: {max_rows: 1.5}", "line 1, records.max_rows", "must be a whole number", id="half a number"
        ),
        pytest.param("records: {max_rows: 0}", "line 1, records.max_rows", "must be 1 or more", id="no rows"),
        pytest.param("records: {keep: 0s}", "line 1, records.keep", "must be more than 0", id="no time"),
        pytest.param("records: {keep: 90}", "line 1, records.keep", "must be a number and a unit", id="no unit"),
        pytest.param(
            "log: {level: trace}",
            "line 1, log.level",
            "must be one of 'debug', 'info', 'warning' or 'error'",
            id="a level",
        ),
        pytest.param("listen: {ops: x}", "line 1, listen.ops", "must be host:port", id="no address"),
        pytest.param("listen: {ops: {}}", "line 1, listen.ops.address", "is required", id="an address left out"),
        pytest.param(
            "listen: {ops: {address: '127.0.0.1:1', tls: {cert: x}}}",
            "line 1, listen.ops.tls.key",
            "is required",
            id="half a certificate",
        ),
        pytest.param("routes: {a: {upstream: sandbox}}", "line 1, routes.a.provider", "is required", id="no provider"),
        pytest.param("routes: {a: {provider: sendgrid}}", "line 1, routes.a.upstream", "is required", id="no upstream"),
        pytest.param(route("max_body: 0"), "line 5, routes.one.max_body", "must be more than 0", id="no body"),
        pytest.param(
            route("max_connections: -1"), "line 5, routes.one.max_connections", "must be 1 or more", id="no connections"
        ),
        pytest.param(
            route("timeout: {connect: 0s}"),
            "line 5, routes.one.timeout.connect",
            "must be more than 0",
            id="no patience",
        ),
        pytest.param(
            route("transactional: {always: perhaps}"),
            "line 5, routes.one.transactional.always",
            "must be true or false",
            id="no switch",
        ),
        pytest.param(
            route("transactional: {markers: {a: [[b]]}}"),
            "line 5, routes.one.transactional.markers.a.0",
            "must be a single value",
            id="a list in a list",
        ),
        pytest.param(
            route("auth: {kind: magic}"),
            "line 5, routes.one.auth.kind",
            "must be one of 'bearer', 'basic', 'header'",
            id="a kind",
        ),
        pytest.param(
            route("auth: {token: x}"),
            "line 5, routes.one.auth.kind",
            "is required: bearer or basic or header",
            id="no kind",
        ),
        pytest.param(route("auth: {kind: bearer}"), "line 5, routes.one.auth.token", "is required", id="no token"),
        pytest.param(
            route("auth: {kind: bearer, tokn: x, token: y}"),
            "line 5, routes.one.auth.tokn",
            "unknown key; known here: kind, token, account; did you mean token?",
            id="a slip in auth",
        ),
        pytest.param(
            sender("may_claim: [marketing]"),
            "line 10, senders.0.may_claim.0",
            "must be one of 'transactional'",
            id="a class",
        ),
        pytest.param(
            "senders: [{name: s, key: [a, b, c], routes: []}]",
            "line 1, senders.0.key",
            "must not hold more than 2 values",
            id="three keys",
        ),
        pytest.param("senders: [{name: s, key: k}]", "line 1, senders.0.routes", "is required", id="no routes"),
        pytest.param(
            "api: {keys: [{name: k, key: [], scopes: []}]}",
            "line 1, api.keys.0.key",
            "must hold at least 1 value",
            id="no key",
        ),
        pytest.param(
            "api: {keys: [{name: k, key: x, scopes: [all]}]}",
            "line 1, api.keys.0.scopes.0",
            "must be one of 'users', 'events', 'release', 'records', 'blacklists' or 'admin'",
            id="a scope",
        ),
        pytest.param(
            "log: {level: '${NOPE}'}",
            "line 1, log.level",
            "the environment variable NOPE is not set",
            id="a missing variable",
        ),
        pytest.param("a: [", "line 1", "this is not valid YAML", id="no YAML"),
    ],
)
def test_a_fault_is_told_with_line_path_and_what_is_allowed(text: str, place: str, says: str) -> None:
    """One thing that is wrong is one fault, which says where and what would be allowed."""
    faults = told(text)
    assert len(faults) == 1, faults
    assert re.match(f"{place}: {says}".replace("?", r"\?"), faults[0]), faults[0]


def test_all_faults_are_told_at_once_by_line() -> None:
    """Faults of YAML, references, values and of what values say together stand in one list, in the file's order."""
    text = """\
listen: {api: "0.0.0.0:8081", ops: nowhere}
log: {level: "${NOPE}", level: info}
policy: {mode: off, mod: x}
routes:
  a: {provider: x, upstream: y}
  b: {provider: twilio, upstream: sandbox, host: h}
  c: {provider: twilio, upstream: sandbox, host: H}
senders:
- {name: s, key: k, routes: [a, nope]}
store: {pepper: literal}
"""
    places = [fault.split(":")[0] for fault in told(text)]
    assert places == [
        "line 1, listen.api",
        "line 1, listen.ops",
        "line 2, log.level",
        "line 2, log.level",
        "line 3, policy.mod",
        "line 3, policy.mode",
        "line 5, routes.a.provider",
        "line 5, routes.a.upstream",
        "line 7, routes.c.host",
        "line 9, senders.0.routes.1",
        "line 10, store.pepper",
    ]


@pytest.mark.parametrize(
    "slip",
    [
        pytest.param("senders: [{name: s, key: k, routes: [one], extra: x}]", id="a fault in the senders"),
        pytest.param("sender: [{name: s, key: k, routes: [one]}]", id="senders under a wrong key"),
        pytest.param("senders: [{name: s, key: '${NOPE}', routes: [one]}]", id="a missing variable in the senders"),
        pytest.param("senders: []\nsenders: [{name: s, key: k, routes: [one]}]", id="senders twice"),
        pytest.param("senders:", id="senders without a value"),
    ],
)
def test_no_fault_follows_from_another(slip: str) -> None:
    """A check is kept back where a section it rests on is faulty, because it might say what is not true."""
    relay = "listen: {proxy: '0.0.0.0:8080'}\n" + route("auth: {kind: bearer, token: t}")
    assert [fault for fault in told(relay) if "open relay" in fault]
    faults = told(relay + slip)
    assert len(faults) == 1, faults
    assert "open relay" not in faults[0]


def test_a_slip_in_a_listeners_name_is_the_only_fault() -> None:
    """Where a listener stands under a wrong key, the default it was to replace is not compared with others."""
    faults = told("listen: {prxy: '127.0.0.1:9000', api: '127.0.0.1:8080'}")
    assert [fault.split(";")[0] for fault in faults] == ["line 1, listen.prxy: unknown key"]


@pytest.mark.parametrize(
    "slip", [pytest.param("lgo: {}", id="at the top"), pytest.param("log: {levl: info}", id="in another section")]
)
def test_unknown_keys_elsewhere_keep_nothing_back(slip: str) -> None:
    """A slip that has nothing to do with a check does not hide what the check finds."""
    relay = "listen: {proxy: '0.0.0.0:8080'}\n" + route("auth: {kind: bearer, token: t}")
    faults = told(f"{relay}senders: []\n{slip}\n")
    assert len(faults) == 2, faults
    assert "open relay" in faults[0]
    assert "unknown key" in faults[1]


@pytest.mark.parametrize("path", [setting.path for setting in settings()])
@pytest.mark.parametrize(
    "value", [HIDDEN, f"[[{HIDDEN}]]", f"{{{HIDDEN}-key: {HIDDEN}}}", f"'{HIDDEN}\\n'", f"'${{{HIDDEN}'"]
)
def test_no_fault_shows_a_value(path: str, value: str) -> None:
    """Whatever stands at whatever key, and wherever it came from, no fault repeats it."""
    text = value
    for part in reversed(path.split(".")):
        text = f"[{text}]" if part == "*" and "routes" not in path else f"{{{'x' if part == '*' else part}: {text}}}"
    for fault in told(text, {"X": HIDDEN}):
        assert HIDDEN not in fault.replace(f"{HIDDEN}-key", "")


def test_no_trace_of_validation_hangs_on_the_error() -> None:
    """The error has no cause or context that would print the values that were validated."""
    with pytest.raises(ConfigError) as caught:
        parse(f"policy: {{mode: {HIDDEN}}}", {}, no_file)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert HIDDEN not in f"{caught.value!r}{caught.value}{caught.value.args}"


def test_the_error_reads_as_one_text() -> None:
    """The error's text is a headline and a line for each fault."""
    with pytest.raises(ConfigError) as caught:
        parse("log: {level: x}\nlisten: {ops: x}", {}, no_file)
    headline, *faults = str(caught.value).splitlines()
    assert headline == "2 faults in the configuration"
    assert [fault.split(":")[0] for fault in faults] == ["  line 1, log.level", "  line 2, listen.ops"]


def test_references_fit_wherever_a_value_does() -> None:
    """A number, a duration, a word of a list and an address may come from the environment."""
    environ = {"ROWS": "5", "KEEP": "1d", "LEVEL": "debug", "PORT": "9"}
    text = "records: {max_rows: $R, keep: $K}\nlog: {level: $L}\nlisten: {ops: '127.0.0.1:${PORT}'}"
    text = text.replace("$R", "'${ROWS}'").replace("$K", "'${KEEP}'").replace("$L", "'${LEVEL}'")
    config = parse(text, environ, no_file)
    assert (config.records.max_rows, config.records.keep, config.log.level) == (5, 86_400.0, "debug")
    assert config.listen.ops.address.port == 9


@pytest.mark.parametrize("pepper", ["''", "'${X}'", "'${X:-}'", "'${NOPE:-}'", "'${file:/x}'"])
def test_a_pepper_comes_from_outside(pepper: str) -> None:
    """The pepper is empty or one reference, and an empty default is allowed."""
    assert parse(f"store: {{pepper: {pepper}}}", {"X": "x"}, lambda _: b"y").store.pepper.reveal() in ("", "x", "y")


def test_the_providers_on_disk_are_known_by_default() -> None:
    """A route may name every provider that has a file, and no other."""
    for name in base.names():
        assert (
            parse(f"routes: {{a: {{provider: {name}, upstream: sandbox}}}}", {}, no_file).routes["a"].provider == name
        )
    with pytest.raises(ConfigError, match="must be a provider's name"):
        parse("routes: {a: {provider: nobody, upstream: sandbox}}", {}, no_file)


@given(st.recursive(st.text(max_size=8), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)))
def test_any_structure_is_read_or_told(tree: object) -> None:
    """No structure of keys and values makes reading fail in another way than by faults."""
    told(repr(tree))


def test_a_file_is_loaded_with_all_it_depends_on(tmp_path: Path) -> None:
    """Loading names the file and the files of its references, and its digest is that of their content."""
    config, token, spare = tmp_path / "config.yaml", tmp_path / "token", tmp_path / "spare"
    token.write_text("first\n")
    config.write_text(route(f"auth: {{kind: bearer, token: '${{file:{token}}}'}}"))
    spare.write_text("not asked for")
    loaded = load(config, {}, providers=PROVIDERS)
    assert loaded.files == (config, token)
    assert loaded.digest == fingerprint([token, config])
    token.write_text("second\n")
    assert loaded.digest != fingerprint(loaded.files)
    assert load(config, {}, providers=PROVIDERS).digest == fingerprint(loaded.files)
    token.write_text("first\n")
    assert loaded.digest == fingerprint(loaded.files)


def test_relative_paths_start_at_the_files_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store, certificates and `${file:…}` are looked for beside the configuration, wherever one is."""
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "pepper").write_text("x")
    (folder / "config.yaml").write_text("store: {pepper: '${file:pepper}'}")
    monkeypatch.chdir(tmp_path)
    loaded = load(Path("etc/config.yaml"), {})
    assert loaded.config.store.path == Path("etc/data/sendgate.db")
    assert (loaded.config.store.pepper.reveal(), loaded.files[1]) == ("x", Path("etc/pepper"))
    tls = "{address: '127.0.0.1:0', tls: {cert: c.pem, key: k.pem}}"
    (folder / "config.yaml").write_text(f"store: {{path: ../x.db}}\nlisten: {{proxy: {tls}}}")
    with pytest.raises(ConfigError, match=r"listen\.proxy\.tls\.cert: cannot be read") as caught:
        load(Path("etc/config.yaml"), {})
    assert {Path("etc/c.pem"), Path("etc/k.pem")} < set(caught.value.files)
    monkeypatch.chdir(folder)
    (folder / "config.yaml").write_text("routes: {}")
    assert load(Path("config.yaml"), {}).config.store.path == Path("data/sendgate.db")


def test_texts_of_the_page_are_looked_at_and_watched(tmp_path: Path) -> None:
    """A file of texts that cannot be used is a fault of its key, and is watched for being mended."""
    config, texts = tmp_path / "config.yaml", tmp_path / "de.toml"
    config.write_text("unsubscribe: {texts: {de: de.toml}, language: de}")
    with pytest.raises(ConfigError, match=r"line 1, unsubscribe\.texts\.de: cannot be read: No such file") as caught:
        load(config, {})
    assert caught.value.files == (config, texts)
    texts.write_text('saved = "Erledigt."')
    assert load(config, {}).files == (config, texts)
    config.write_text("unsubscribe: {language: fr}")
    with pytest.raises(ConfigError, match=r"unsubscribe\.language: must be a language that has texts"):
        load(config, {})


def test_a_fault_names_the_files_that_could_mend_it(tmp_path: Path) -> None:
    """A fault keeps the digest and the files, absent ones included, so that their coming can be noticed."""
    config, token = tmp_path / "config.yaml", tmp_path / "token"
    config.write_text(f"store: {{pepper: '${{file:{token}}}'}}")
    with pytest.raises(ConfigError, match="cannot be read: No such file") as caught:
        load(config, {})
    assert caught.value.files == (config, token)
    assert caught.value.digest == fingerprint([config, token])
    token.write_text("x")
    assert load(config, {}).digest != caught.value.digest


def test_an_absent_file_is_no_fault_of_the_configuration(tmp_path: Path) -> None:
    """Where there is no file to read, loading ends in the system's own error."""
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "config.yaml", {})


def test_a_file_in_another_charset_is_a_fault_with_its_line(tmp_path: Path) -> None:
    """A file that is not UTF-8 is told by the line of its first wrong byte."""
    config = tmp_path / "config.yaml"
    config.write_bytes(b"# one\n# \xe9\n")
    with pytest.raises(ConfigError, match="line 2: the file is not UTF-8 text"):
        load(config, {})


def test_the_shipped_file_needs_no_environment() -> None:
    """config.yaml can be used on a fresh machine, and every route of it works as it stands."""
    shipped = load(Path(__file__).parents[2] / "config.yaml", {}, providers=PROVIDERS).config
    assert set(shipped.routes) == {"sandbox", "sms-sandbox", "sendgrid", "twilio"}
    assert [name for name, entry in shipped.routes.items() if entry.sandbox] == ["sandbox", "sms-sandbox"]
    assert all(getattr(shipped.listen, door).address.loopback for door in ("proxy", "api", "public", "ops"))
    assert (shipped.senders, shipped.api.keys, shipped.events.accept) == ((), (), ("Completed Order",))


def test_the_examples_of_the_shipped_file_hold() -> None:
    """Taken out of their comments, the examples of config.yaml are as good as the rest."""
    shipped = (Path(__file__).parents[2] / "config.yaml").read_text()
    emptied = re.sub(r"^(senders: \[\]|api:\n  keys: \[\]).*\n", "", shipped, flags=re.MULTILINE)
    text = re.sub(
        r"^( *)# (?=auth:|region:|public_url:|unsubscribe:|senders:|api:|  )", r"\1", emptied, flags=re.MULTILINE
    )
    environ = dict.fromkeys(("SHOP_KEY", "SENDGRID_KEY", "TWILIO_TOKEN", "CRM_KEY"), "x")
    environ |= {"NEWSLETTER_KEY_SHA256": "0" * 64, "TWILIO_SID": f"AC{'0' * 32}"}
    config = parse(text, environ, lambda _: b"k" * 64, providers=PROVIDERS)
    assert [entry.name for entry in config.senders] == ["shop", "newsletter"]
    assert (len(config.unsubscribe.keys), config.unsubscribe.brand.name) == (1, "Example Shop")
    assert [key.name for key in config.api.keys] == ["crm"]
    assert [name for name, entry in config.routes.items() if entry.auth] == ["sendgrid", "twilio"]
