"""MLflow as registry: a SQLite file on this machine, or any server by URI.

A model is registered as what `mlflow models serve` runs: a `python_function` model whose code is four lines of text
that name what reads (`SERVED`; models from code: nothing is pickled), with the bundle, byte for byte, as its artifact
`bundle`. The version is written last, when all of it lies there, with the content id as its tag: a version that can be
seen is whole. mlflow is imported when the registry is first asked.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from emendo.errors import BundleError, UsageError
from emendo.tools.files import sha256_file
from emendo.workspace.names import SCHEME, parse_place

from ..base import cache_folder, cached_bundle
from ..bundle import FIELDS_FAMILY, INFO_FILE, Bundle, read_bundle
from .connection import MODEL, asked, connect, masked
from .entries import ADAPTER, MERGED, About, Entry, RunFacts
from .local import copy_bundle
from .runs import begin_run, experiment_of, tell_progress, tell_run

DIGEST, FORM, FILES, RUN = "emendo.digest", "emendo.form", "emendo.files", "mlflow_run"
"""Tags of a version beside `MODEL`: SHA-256 of its bundle.yaml, its form, of an adapter the SHA-256 of each file, and
the run behind it."""
BUNDLE: Final = "bundle"
CARD: Final = "README.md"
CODE: Final = '''"""The model beside this file, as mlflow runs it; nothing of it is pickled."""

from mlflow.models import set_model

from {module} import {reader}

set_model({reader}())
'''
LINES_SERVED: Final = ("emendo.models.registry.served", "LineReader")
SERVED: Final[Mapping[str, tuple[str, str]]] = {FIELDS_FAMILY: ("emendo.pages.served", "DocumentModel")}
"""By family, module and class that mlflow runs, where it is not that of lines; the module has `signature` too."""
CODE_FILE: Final = "line_reader.py"


class MlflowRegistry:
    """One MLflow back end. Safe for threads as far as its client is."""

    def __init__(self, uri: str, experiment: str, timeout: int) -> None:
        self.uri = uri
        self.experiment = experiment
        self._timeout = timeout

    @property
    def place(self) -> str:
        """The URI without user and password."""
        return masked(self.uri)

    @cached_property
    def client(self) -> Any:
        """The client, connected at the first use."""
        return connect(self.uri, self._timeout)

    def entries(self, name: str = "") -> list[Entry]:
        """All versions of a name that emendo registered (empty: of every name)."""
        with asked(self.place):
            if name:
                found = self.client.search_registered_models(filter_string=f"name='{parse_place(name)[0]}'")
            else:
                found = _paged(self.client.search_registered_models)
            return [entry for held in sorted(found, key=lambda one: one.name) for entry in self._of_name(held)]

    def find(self, reference: str) -> Entry:
        """The version that a reference means."""
        name, alias, number = parse_place(reference)
        held = self.entries(name)
        if not held:
            remedy = f"register one with `emendo registry push MODEL --name {name}`"
            raise UsageError(f"no model is registered under the name {name!r} at {self.place}", remedy=remedy)
        if not alias and not number:
            whole = [one for one in held if one.form != ADAPTER]
            return (whole or held)[-1]
        for entry in held:
            if alias in entry.aliases or (number and entry.version == number):
                return entry
        told = ", ".join([*(str(one.version) for one in held), *(f"@{alias}" for one in held for alias in one.aliases)])
        what = f"{name!r} has no {f'alias {alias!r}' if alias else f'version {number}'} at {self.place}"
        raise UsageError(what, remedy=f"use {told}")

    def measured(self, entry: Entry) -> dict[str, float]:
        """The figures of the run behind a version: the latest of each."""
        run = entry.tags.get(RUN)
        if not run:
            return {}
        with asked(self.place):
            return {name: float(value) for name, value in sorted(self.client.get_run(run).data.metrics.items())}

    def bundle(self, entry: Entry) -> Bundle:
        """The bundle of a version, from the cache or fetched into it."""
        if entry.form == ADAPTER:
            whole = f"{SCHEME}{entry.name}@ALIAS or a version of form {MERGED}"
            what = f"{entry.reference} is an adapter alone, and reads nothing without its base"
            raise UsageError(what, remedy=f"use {whole}")
        target = self._cached_at(entry)

        def fetch(damaged: bool) -> Bundle:
            if damaged:
                shutil.rmtree(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=target.parent, prefix=".fetch-") as work:
                fetched = self._fetched(entry, Path(work))
                copy_bundle(fetched, target)
            return read_bundle(target)

        return cached_bundle(target, fetch)

    def cached(self, entry: Entry) -> Bundle:
        """The bundle of a version that was fetched before. Raises BundleError when it is not there."""
        return read_bundle(self._cached_at(entry))

    def fetch_adapter(self, entry: Entry, target: Path) -> None:
        """Download the files of an adapter into the folder `target`, each checked by its SHA-256."""
        with TemporaryDirectory() as work:
            fetched = Path(self._download(entry, ADAPTER, Path(work)))
            for name, digest in json.loads(entry.tags.get(FILES, "{}")).items():
                if not (fetched / name).is_file() or sha256_file(fetched / name) != digest:
                    raise BundleError(f"{name} is not what was registered", where=entry.reference)
            shutil.copytree(fetched, target, dirs_exist_ok=True)

    def put(self, bundle: Bundle, name: str, about: About) -> list[Entry]:
        """Register a bundle, and before it the adapter that was merged into it, if it carries one."""
        adapter = sorted(one for one in bundle.info.files if one.startswith(f"{ADAPTER}/"))
        digest = sha256_file(bundle.folder / INFO_FILE)
        known = [one for one in self.entries(name) if (one.model, one.digest) == (bundle.id, digest)]
        if any(one.form != ADAPTER for one in known):
            return known
        with asked(self.place), TemporaryDirectory() as work:
            self._ensure_name(name)
            run = tell_run(self.client, self.uri, self.experiment, about.run, about.run_id)
            tags = {**about.tags, MODEL: bundle.id, DIGEST: digest}
            if adapter and not known:
                files = {Path(one).name: sha256_file(bundle.folder / one) for one in adapter}
                held = Path(work) / "alone"
                shutil.copytree(bundle.folder / ADAPTER, held / ADAPTER)
                (held / CARD).write_text(about.card, encoding="utf-8")
                self._version(name, held, run, about, {**tags, FORM: ADAPTER, FILES: json.dumps(files)})
            _save(bundle, Path(work) / "model", about)
            self._version(name, Path(work) / "model", run, about, {**tags, **({FORM: MERGED} if adapter else {})})
        return [one for one in self.entries(name) if (one.model, one.digest) == (bundle.id, digest)]

    def point(self, name: str, alias: str, version: int | None) -> None:
        """Move an alias."""
        held = [one.version for one in self.entries(name)]
        if version is not None and version not in held:
            raise UsageError(f"{name!r} has no version {version} at {self.place}", remedy=f"use one of {held}")
        with asked(self.place):
            if version is not None:
                self.client.set_registered_model_alias(name, alias, str(version))
            elif held:
                self.client.delete_registered_model_alias(name, alias)

    def tell_run(self, facts: RunFacts, run_id: str = "") -> str:
        """Write a training run into the experiment, or the rest of one; returns its id."""
        with asked(self.place):
            return tell_run(self.client, self.uri, self.experiment, facts, run_id)

    def begin_run(self, facts: RunFacts) -> str:
        """A run that goes on; returns its id."""
        with asked(self.place):
            run_id = begin_run(self.client, experiment_of(self.client, self.uri, self.experiment), facts)
            tell_progress(self.client, run_id, facts)
            return run_id

    def tell_progress(self, run_id: str, facts: RunFacts) -> None:
        """What is new of a run that goes on."""
        with asked(self.place):
            tell_progress(self.client, run_id, facts)

    def _of_name(self, held: Any) -> Iterator[Entry]:
        aliases: dict[int, list[str]] = {}
        for alias, version in sorted((held.aliases or {}).items()):
            aliases.setdefault(int(version), []).append(alias)
        found = _paged(self.client.search_model_versions, filter_string=f"name='{held.name}'")
        for one in sorted(found, key=lambda version: int(version.version)):
            if MODEL in one.tags:
                yield self._entry(one, tuple(aliases.get(int(one.version), ())))

    def _entry(self, one: Any, aliases: tuple[str, ...]) -> Entry:
        tags = dict(one.tags)
        return Entry(
            name=one.name,
            version=int(one.version),
            model=tags.pop(MODEL),
            since=datetime.fromtimestamp(one.creation_timestamp / 1000, UTC).isoformat(timespec="seconds"),
            place=self.place,
            aliases=aliases,
            digest=tags.pop(DIGEST, ""),
            form=tags.pop(FORM, ""),
            tags={**tags, RUN: one.run_id or ""},
        )

    def _ensure_name(self, name: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self.client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _version(self, name: str, folder: Path, run: str, about: About, tags: Mapping[str, str]) -> None:
        """The files of a model, then its version, which is what others see."""
        experiment = self.client.get_run(run).info.experiment_id
        logged = self.client.create_logged_model(experiment, name=name, source_run_id=run, tags=dict(tags))
        self.client.log_model_artifacts(logged.model_id, str(folder))
        self.client.finalize_logged_model(logged.model_id, "READY")
        self.client.create_model_version(
            name,
            logged.artifact_location,
            run_id=run,
            tags=dict(tags),
            description=about.card,
            model_id=logged.model_id,
        )

    def _cached_at(self, entry: Entry) -> Path:
        if not (entry.model.isalnum() and entry.digest.isalnum()):
            raise BundleError("carries no content id", where=entry.reference, remedy="register it again with emendo")
        return cache_folder() / "registry" / f"{entry.model}-{entry.digest[:12]}"

    def _fetched(self, entry: Entry, work: Path) -> Bundle:
        folder = Path(self._download(entry, f"artifacts/{BUNDLE}", work))
        fetched = read_bundle(folder)
        if fetched.id != entry.model or sha256_file(folder / INFO_FILE) != entry.digest:
            what = f"holds another model than was registered ({fetched.id}, not {entry.model})"
            raise BundleError(what, where=entry.reference, remedy="register the model again")
        return fetched

    def _download(self, entry: Entry, part: str, work: Path) -> str:
        with asked(self.place):
            uri = self.client.get_model_version_download_uri(entry.name, str(entry.version))
            from mlflow.artifacts import download_artifacts

            return str(download_artifacts(artifact_uri=f"{uri}/{part}", dst_path=str(work), tracking_uri=self.uri))


def _paged(search: Any, **asked_for: Any) -> list[Any]:
    found, token = [], None
    while True:
        page = search(**asked_for, page_token=token)
        found += list(page)
        token = page.token
        if not token:
            return found


def _save(bundle: Bundle, folder: Path, about: About) -> None:
    """The bundle as an MLflow model in `folder`, with no path of this machine in it."""
    import yaml

    with TemporaryDirectory() as work, _unwarned():
        from mlflow import pyfunc

        module, reader = SERVED.get(bundle.info.family, LINES_SERVED)
        code = Path(work) / CODE_FILE
        code.write_text(CODE.format(module=module, reader=reader), encoding="utf-8")
        pyfunc.save_model(
            str(folder),
            python_model=str(code),
            signature=import_module(module).signature(),
            pip_requirements=[about.requirement, f"mlflow=={_version_of_mlflow()}"],
        )
    place = f"artifacts/{BUNDLE}"
    copy_bundle(bundle, folder / place)
    (folder / CARD).write_text(about.card, encoding="utf-8")
    path = folder / "MLmodel"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    flavour = content["flavors"]["python_function"]
    flavour |= {"model_code_path": CODE_FILE, "artifacts": {BUNDLE: {"path": place, "uri": place}}}
    content["model_size_bytes"] = sum(entry.size for entry in bundle.info.files.values())
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def _version_of_mlflow() -> str:
    import mlflow

    return str(mlflow.__version__)


@contextmanager
def _unwarned() -> Iterator[None]:
    """Without mlflow's advice to its own users."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
