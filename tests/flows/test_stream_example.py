"""The example does what it says, with a real Redis and the model that comes along."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from emendo.datasets.invoices.build import make_document

from ..conftest import ROOT
from ..redisserver import running

EXAMPLE = ROOT / "examples" / "stream_invoices.py"


def test_a_portfolio_adds_up_what_was_read(tmp_path: Path) -> None:
    made = make_document(29, 2)
    (tmp_path / "a.pdf").write_bytes(made.pdf)
    (tmp_path / "b.pdf").write_bytes(b"")
    (tmp_path / "c.pdf").write_bytes(b"%PDF-1.4 torn")
    with running() as server:
        command = [sys.executable, str(EXAMPLE), str(tmp_path), "--url", server.url, "--seconds", "300"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["totals"] == {made.document.currency: str(made.document.total)}
    assert told["for_people"]["b.pdf"] == "not admitted: the file is empty"
    assert set(told["for_people"]) == {"b.pdf", "c.pdf"}
    assert told["counts"] == {"read": 1, "refused": 1, "failed": 1}
