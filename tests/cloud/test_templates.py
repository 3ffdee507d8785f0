"""The templates: cfn-lint finds nothing, and they are as closed as they say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint_file

from emendo.cloud import plan, preprocess, s3
from emendo.cloud.plan import PARTS, names_in, parsed
from emendo.serve.container import SETTINGS

FOLDER = Path(plan.__file__).parent / "templates"
CONTENT = {kind: parsed((FOLDER / f"{kind}.yaml").read_text(encoding="utf-8")) for kind in PARTS}


def resources(kind: str, wanted: str) -> dict[str, Any]:
    return {name: one["Properties"] for name, one in CONTENT[kind]["Resources"].items() if one["Type"] == wanted}


def statements(value: Any) -> Iterator[dict[str, Any]]:
    """All statements of policies in a piece of a template."""
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        for inner in value.values():
            yield from statements(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from statements(inner)


@pytest.mark.parametrize("kind", PARTS)
def test_cfn_lint_finds_neither_errors_nor_warnings(kind: str) -> None:
    args = ManualArgs(include_checks=["I"], regions=["eu-central-1", "us-east-1"])
    found = lint_file(FOLDER / f"{kind}.yaml", config=args)
    assert not found, [str(one) for one in found]


def test_buckets_are_private_encrypted_versioned_and_ask_for_tls() -> None:
    buckets = resources("stores", "AWS::S3::Bucket")
    assert set(buckets) == {"ModelsBucket", "PagesBucket"}
    for name, bucket in buckets.items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert "SSEAlgorithm" in json.dumps(bucket["BucketEncryption"])
        assert "AbortIncompleteMultipartUpload" in json.dumps(bucket["LifecycleConfiguration"])
        policies = [one for one in resources("stores", "AWS::S3::BucketPolicy").values() if name in names_in(one)]
        denied = {json.dumps(one["Condition"]) for one in statements(policies) if one["Effect"] == "Deny"}
        assert any("aws:SecureTransport" in one for one in denied)
    assert all(CONTENT["stores"]["Resources"][name]["UpdateReplacePolicy"] == "Retain" for name in buckets)


@pytest.mark.parametrize("kind", ["preprocessing", "endpoint"])
def test_roles_may_only_what_they_need(kind: str) -> None:
    unnamed = {"ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"}
    for role in resources(kind, "AWS::IAM::Role").values():
        for one in statements(role["Policies"]):
            actions = [one["Action"]] if isinstance(one["Action"], str) else one["Action"]
            assert not any("*" in action for action in actions), actions
            assert one["Resource"] != "*" or set(actions) <= unnamed
        assert len(list(statements(role["AssumeRolePolicyDocument"]))) == 1


def test_the_code_uses_the_places_that_the_roles_permit() -> None:
    allowed = json.dumps(resources("preprocessing", "AWS::IAM::Role"))
    for prefix in (
        preprocess.INCOMING,
        *(f"{one}/" for one in (preprocess.PROCESSED, preprocess.REFUSED, preprocess.INDEX)),
    ):
        assert f"/{prefix}*" in allowed
    assert f"/{s3.ENDPOINTS}/*" in json.dumps(resources("endpoint", "AWS::IAM::Role"))
    rule = resources("preprocessing", "AWS::Events::Rule")["Uploaded"]
    assert rule["EventPattern"]["detail"]["object"]["key"] == [{"prefix": preprocess.INCOMING}]


def test_failures_are_kept_and_a_failing_update_is_taken_back() -> None:
    rule = resources("preprocessing", "AWS::Events::Rule")["Uploaded"]["Targets"][0]
    tries = resources("preprocessing", "AWS::Lambda::EventInvokeConfig")["Tries"]
    assert "Failed" in names_in(rule["DeadLetterConfig"]) and "Failed" in names_in(tries["DestinationConfig"])
    endpoint = resources("endpoint", "AWS::SageMaker::Endpoint")["Endpoint"]
    alarms = resources("endpoint", "AWS::CloudWatch::Alarm")
    watching = names_in(endpoint["DeploymentConfig"]["AutoRollbackConfiguration"])
    assert watching == set(alarms) and endpoint["RetainAllVariantProperties"] is True
    target = resources("endpoint", "AWS::ApplicationAutoScaling::ScalableTarget")["Scaled"]
    assert names_in(target["ResourceId"]) == {"Endpoint"} and {"MinInstances", "MaxInstances"} <= names_in(target)


def test_the_function_has_more_time_than_it_leaves_itself() -> None:
    function = resources("preprocessing", "AWS::Lambda::Function")["Function"]
    assert function["Timeout"] > 10 * preprocess.LAST_SECONDS
    assert SETTINGS["serve__deadline_seconds"] < 60 and SETTINGS["serve__grace_seconds"] < 30  # what SageMaker allows
