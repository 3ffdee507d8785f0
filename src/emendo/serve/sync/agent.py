"""One look at the channel: whatever it brings, the model in use goes on reading.

finish what a crash left -> watch over what is in use -> refresh -> choose -> download -> try out -> swap -> tidy
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime

from emendo.errors import Busy
from emendo.settings import ChannelSettings
from emendo.workspace.folder import Workspace, timestamp

from .choice import choose
from .device import Device, InUse, State, Status
from .download import Bar, clean, download
from .faults import OF_THE_RELEASE, Fault, SyncError, from_system, sentence
from .install import current, drop_older, prepare, put_in_use, self_test, try_out, verified
from .marks import finish_giving_back, give_back, watch_starts
from .source import Source, open_source
from .trust import Offer, Trusted, refresh

LOCK = "sync"
UP_TO_DATE = "up to date"


@dataclass(slots=True)
class Agent:
    """Follows a channel for one workspace.

    `say` hears each event, `bar` the bytes of a download so far and in all; `stop` is asked whether to end.
    """

    device: Device
    say: Callable[[str], None] = lambda _: None
    bar: Bar = lambda *_: None
    stop: Callable[[], bool] = lambda: False

    @classmethod
    def of(cls, workspace: Workspace, settings: ChannelSettings, say: Callable[[str], None] = lambda _: None) -> Agent:
        """The agent of a workspace; its folder is made when it is not there."""
        device = Device(workspace, settings)
        device.folder.mkdir(exist_ok=True)
        return cls(device, say)

    def alone(self) -> AbstractContextManager[None]:
        """Be the only agent of the workspace for a while. Raises Busy when another one is at it."""
        return self.device.workspace.lock(LOCK)

    def look(self) -> Status:
        """Look once, alone. Raises Busy when another agent is at it here."""
        with self.alone():
            return self.look_again()

    def look_again(self) -> Status:
        """What `look` does, for whoever is alone already; when it is stopped in the middle, the status stays."""
        before = self.device.status()
        fault, what = self._guarded()
        if fault is Fault.STOPPED:
            return before
        status = self._status(before, fault, what)
        try:
            self.device.tell(status)
        except OSError as error:
            self.say(f"the status cannot be written: {error.strerror}")
        return status

    def _guarded(self) -> tuple[Fault | None, str]:
        try:
            return None, self._round()
        except SyncError as error:
            fault, what = error.fault, sentence(error)
        except OSError as error:
            named = from_system(error)
            fault, what = named.fault, sentence(named)
        except Busy as error:
            fault, what = Fault.BUSY, sentence(error)
        if fault is Fault.STOPPED:
            return fault, what
        if fault is Fault.DISK_FULL:
            self._make_room()
        self._log(str(fault), what)
        return fault, what

    def _round(self) -> str:
        device = self.device
        settings = device.settings
        clean(device)
        finish_giving_back(device)
        if watch_starts(device):
            self.say("the model in use crash-loops: rolled back")
        self._watch_over()
        source = open_source(settings.url, stall=settings.stall_seconds, slowest=settings.slowest_bytes, stop=self.stop)
        trusted = refresh(source, device.metadata, device.root)
        choice = choose(trusted.offers, device.state(), settings.group, device.name)
        if choice.withdrawn:
            give_back(device, Fault.WITHDRAWN, "the channel took it back")
            self.say("the release in use was withdrawn: rolled back")
            choice = choose(trusted.offers, device.state(), settings.group, device.name)
        if choice.offer is not None:
            return self._take(source, trusted, choice.offer, choice.number)
        return UP_TO_DATE

    def _take(self, source: Source, trusted: Trusted, offer: Offer, number: int) -> str:
        device, release = self.device, offer.release
        try:
            place = None
            if not self._lies_here(offer, trusted):
                archive = download(device, source, offer, self.bar)
                place = prepare(device, archive, release, trusted.certificate_keys)
                device.update(lambda state: _with_kept(state, release.bundle))
            put_in_use(device, place, release, f"release {number} of the channel, group {device.settings.group}")
        except SyncError as error:
            self._failed(error, release.bundle, number)
            raise
        finally:
            shutil.rmtree(device.staging, ignore_errors=True)
        used = InUse(bundle=release.bundle, number=number, checked=timestamp())
        device.update(lambda state: state.model_copy(update={"release": used, "tries": {}}))
        self._tidy()
        self._log("installed", f"release {number}", model=release.bundle)
        return f"release {number} is in use"

    def _failed(self, error: SyncError, bundle: str, number: int) -> State:
        if error.fault not in OF_THE_RELEASE:
            return self.device.state()
        fault, certain = str(error.fault), error.certain
        return self.device.update(lambda state: state.with_failure(bundle, number, fault, certain=certain))

    def _lies_here(self, offer: Offer, trusted: Trusted) -> bool:
        """Whether the model is here from an earlier time, or from before a crash, and still does what it should."""
        device, bundle = self.device, offer.release.bundle
        folder, tests = device.workspace.models / bundle, device.tests / bundle
        if not folder.is_dir() or not tests.is_dir():
            return False
        try:
            try_out(folder, tests, bundle, trusted.certificate_keys, device.settings)
        except SyncError as error:
            self._log("fetched again", sentence(error), model=bundle)
            return False
        return True

    def _watch_over(self) -> None:
        """Check the files of the model in use, and from time to time its self-test; roll back what fails."""
        device, settings = self.device, self.device.settings
        release = device.state().release
        if release is None or current(device.workspace) != release.bundle:
            return
        folder, tests = device.workspace.models / release.bundle, device.tests / release.bundle
        try:
            held = verified(folder, release.bundle)
        except SyncError as error:
            give_back(device, Fault.DAMAGED, sentence(error))
            self.say(f"the model in use is damaged: rolled back ({sentence(error)})")
            return
        if _hours_since(release.checked) < settings.check_hours:
            return
        try:
            self_test(held, tests, settings)
        except SyncError as error:
            if self._failed(error, release.bundle, release.number).is_bad(release.bundle, release.number):
                give_back(device, Fault.SELF_TEST, sentence(error))
                self.say(f"the model in use fails its self-test: rolled back ({sentence(error)})")
            return
        checked = release.model_copy(update={"checked": timestamp()})
        device.update(lambda state: state.model_copy(update={"release": checked, "tries": {}}))

    def _tidy(self) -> None:
        device = self.device
        for archive in device.download.glob("*.part"):
            archive.unlink()
        try:
            state = device.state()
            kept = drop_older(device, state.kept, state.good)
        except Busy:
            return
        device.update(lambda state: state.model_copy(update={"kept": kept}))

    def _make_room(self) -> None:
        clean(self.device)
        for part in self.device.download.glob("*"):
            part.unlink()

    def _log(self, event: str, what: str, **more: str) -> None:
        self.say(f"{event}: {what}")
        try:
            self.device.log(event, what, **more)
        except OSError as error:
            self.say(f"the log cannot be written: {error.strerror}")

    def _status(self, before: Status, fault: Fault | None, what: str) -> Status:
        state = self.device.state()
        now = timestamp()
        return Status(
            device=self.device.name,
            group=self.device.settings.group,
            url=self.device.settings.url,
            state=str(fault) if fault else UP_TO_DATE,
            what=what,
            model=current(self.device.workspace),
            release=state.release.number if state.release else 0,
            tried=now,
            succeeded=before.succeeded if fault else now,
            failures=before.failures + 1 if fault else 0,
            bad=state.bad,
        )


def _with_kept(state: State, bundle: str) -> State:
    return state.model_copy(update={"kept": (*(one for one in state.kept if one != bundle), bundle)})


def _hours_since(moment: str) -> float:
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds() / 3600
    except ValueError:
        return float("inf")
