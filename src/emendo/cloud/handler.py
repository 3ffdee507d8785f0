"""What AWS Lambda calls for each upload: `emendo.cloud.handler.handler`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ..settings import load_settings
from .aws import Account
from .preprocess import preprocess, uploads_of


@lru_cache(maxsize=1)
def _client() -> Any:
    """A client of S3, kept from call to call."""
    return Account().client("s3")


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Make page images of what an event tells of (see `preprocess`); a line of JSON each goes to the log.

    Raises CloudError when the event should come again, which Lambda then sees to.
    """
    settings = load_settings()
    done = []
    for upload in uploads_of(event):
        result = preprocess(_client(), upload, settings, lambda: context.get_remaining_time_in_millis() / 1000)
        done.append(result.to_dict())
        sys.stdout.write(json.dumps(done[-1], ensure_ascii=False) + "\n")
    return {"uploads": done}
