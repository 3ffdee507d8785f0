"""Clients of AWS, and what can go wrong there as one sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from .. import __version__
from ..errors import EmendoError, EngineError

CONNECT_SECONDS: Final = 10
ANSWER_SECONDS: Final = 60
TRIES: Final = 5
_NO_CREDENTIALS: Final = "run `aws configure` or `aws sso login`, or set AWS_PROFILE"
_CODES: Final[dict[str, tuple[str, str]]] = {
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"),
        ("the AWS credentials have expired", _NO_CREDENTIALS),
    ),
    **dict.fromkeys(
        (
            "InvalidClientTokenId",
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
            "AuthFailure",
        ),
        ("AWS does not know these credentials", _NO_CREDENTIALS),
    ),
    "NoSuchBucket": ("there is no such bucket", "see `emendo cloud status`"),
    **dict.fromkeys(("NoSuchKey", "404", "NotFound"), ("is not there", "")),
    **dict.fromkeys(
        ("Throttling", "ThrottlingException", "SlowDown", "TooManyRequestsException", "RequestLimitExceeded"),
        ("AWS is asked too often", "try again in a minute"),
    ),
}
DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "403", "Forbidden", "UnauthorizedOperation"})
MISSING: Final = frozenset({"NoSuchKey", "404", "NotFound"})


class CloudError(EmendoError):
    """AWS cannot be reached, refuses, or did not bring about what was asked. `code` is the one that it gave."""

    def __init__(self, what: str, *, where: str | None = None, remedy: str = "", code: str = "") -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.code = code


@dataclass(frozen=True, slots=True)
class Account:
    """Whom to ask: the region and the profile of the credentials; empty: as the environment says."""

    region: str = ""
    profile: str = ""

    def client(self, service: str) -> Any:
        """A client of a service. Raises EngineError without boto3, CloudError without region or profile."""
        try:
            import boto3
            from botocore.config import Config
        except ModuleNotFoundError as error:
            raise EngineError("AWS needs boto3", remedy="pip install 'emendo[aws]'") from error
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            retries={"max_attempts": TRIES, "mode": "standard"},
            user_agent_extra=f"emendo/{__version__}",
        )
        with asking():
            session = boto3.Session(region_name=self.region or None, profile_name=self.profile or None)
            return session.client(service, config=config)


@contextmanager
def asking(where: str = "") -> Iterator[None]:
    """Ask AWS: what it and the way to it answer is raised as CloudError; `where` is what it is about."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise told(error, where) from error


def told(error: Exception, where: str = "") -> CloudError:
    """An error of boto3 as a sentence."""
    from botocore import exceptions as known

    place = where or None
    if isinstance(error, known.ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        message = str(error.response.get("Error", {}).get("Message", "")).rstrip(".")
        operation = error.operation_name
        if code in DENIED:
            what = f"these credentials do not permit {operation}"
            return CloudError(what, where=place, remedy="ask who manages the account for it", code=code)
        what, remedy = _CODES.get(code, (f"AWS refuses {operation} ({code}: {' '.join(message.split())[:300]})", ""))
        return CloudError(what, where=place, remedy=remedy, code=code)
    if isinstance(error, (known.NoCredentialsError, known.PartialCredentialsError, known.CredentialRetrievalError)):
        return CloudError("no AWS credentials were found", where=place, remedy=_NO_CREDENTIALS, code="NoCredentials")
    if isinstance(error, (known.SSOError, known.TokenRetrievalError)):
        return CloudError("the AWS sign-in is not valid any more", where=place, remedy=_NO_CREDENTIALS)
    if isinstance(error, known.ProfileNotFound):
        return CloudError(str(error)[0].lower() + str(error)[1:], remedy="see `aws configure list-profiles`")
    if isinstance(error, (known.NoRegionError, known.InvalidRegionError)):
        remedy = "give --region, or set cloud.region or AWS_REGION"
        return CloudError("no AWS region is named, or none that can be", where=place, remedy=remedy)
    if isinstance(error, (known.ConnectionError, known.HTTPClientError)):
        what = f"AWS cannot be reached ({' '.join(str(error).split())[:200].rstrip('.')})"
        return CloudError(what, where=place, remedy="check the network, then run it again")
    if isinstance(error, known.ParamValidationError):
        return CloudError(f"AWS would not take this ({' '.join(str(error).split())[:300]})", where=place)
    return CloudError(f"AWS failed ({' '.join(str(error).split())[:300]})", where=place)
