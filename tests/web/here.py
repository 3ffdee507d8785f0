"""The page served by a thread of the test itself: no process to start, for tests that do not kill it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn

from emendo.label.desk import Desk
from emendo.tools.listen import bound, listening
from emendo.web.app import create_app
from emendo.web.guard import Guard, one_person
from emendo.workspace.folder import Workspace
from emendo.workspace.people import Person

from .serving import TOKEN, Server


class Here(Server):
    """As `Server`, without a process."""

    def __init__(self, workspace: Workspace, port: int) -> None:
        self.workspace, self.port = workspace, port


@contextmanager
def served_here(workspace: Workspace) -> Iterator[Here]:
    """The workspace served to `ann` while the block runs."""
    socket = bound("127.0.0.1", 0)
    address = listening(socket)
    app = create_app(Desk.open(workspace), Guard(one_person(TOKEN, Person("ann")), frozenset({address})))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    yield Here(workspace, int(address.rpartition(":")[2]))
    server.should_exit = server.force_exit = True
    thread.join(10)
