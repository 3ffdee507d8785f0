"""`emendo flow deploy`: decorators and schedules follow from the settings; a state machine is made of them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from emendo.cli import main
from emendo.flows.deploy import plan_deployment
from emendo.flows.engine import Flow, decorators_of, environment
from emendo.flows.orders import BatchOrder
from emendo.settings import load_settings

CLUSTER = {
    "EMENDO_FLOW__ENGINE": "batch",
    "EMENDO_FLOW__IMAGE": "registry.example/emendo:1",
    "EMENDO_FLOW__DATASTORE": "s3://flows/metaflow",
    "EMENDO_FLOW__QUEUE": "slow",
    "EMENDO_FLOW__CPU": "4",
    "EMENDO_FLOW__MEMORY": "16000",
    "EMENDO_FLOW__RETRIES": "3",
    "EMENDO_FLOW__MINUTES": "90",
    "EMENDO_FLOW__SCHEDULE": "weekly",
}


def flow(**changes: str) -> Flow:
    settings = load_settings(environment={**CLUSTER, **changes})
    return Flow("batch", BatchOrder(out=Path("/shared/out"), settings=settings, data="d"), settings.flow)


def test_decorators_follow_from_the_settings() -> None:
    assert (
        decorators_of(flow(EMENDO_FLOW__ENGINE="local", EMENDO_FLOW__RETRIES="0", EMENDO_FLOW__MINUTES="0").settings)
        == []
    )
    assert decorators_of(flow().settings) == [
        "batch:cpu=4,memory=16000,image=registry.example/emendo:1,queue=slow",
        "retry:times=3,minutes_between_retries=2",
        "timeout:minutes=90",
    ]
    pods = flow(EMENDO_FLOW__ENGINE="kubernetes", EMENDO_FLOW__GPU="1", EMENDO_FLOW__VOLUMES__notes="/shared")
    assert decorators_of(pods.settings)[0] == (
        "kubernetes:cpu=4,memory=16000,image=registry.example/emendo:1,gpu=1,namespace=slow,"
        'persistent_volume_claims={"notes": "/shared"}'
    )
    assert plan_deployment(pods).scheduler == "argo-workflows"
    assert environment(pods)["METAFLOW_DATASTORE_SYSROOT_S3"] == "s3://flows/metaflow"


def test_an_order_holds_no_password() -> None:
    given = {"EMENDO_DATABASE": "postgresql://me:hidden@host/db", "EMENDO_REGISTRY__URI": "http://me:hidden@host"}
    given |= {"EMENDO_ALERTS__WEBHOOK_SECRET": "hidden", "EMENDO_STREAM__URL": "redis://me:hidden@host"}
    asked = flow(**given)
    assert asked.order.settings.flow.queue == "slow" and asked.order.settings.gate == load_settings(environment={}).gate
    assert "hidden" not in " ".join(plan_deployment(asked).command)


def test_nothing_is_sent_anywhere_by_a_local_flow() -> None:
    here = environment(flow(EMENDO_FLOW__ENGINE="local"))
    assert {here["METAFLOW_DEFAULT_METADATA"], here["METAFLOW_DEFAULT_DATASTORE"]} == {"local"}
    assert here["METAFLOW_DEFAULT_EVENT_LOGGER"] == "nullSidecarLogger"
    assert here["METAFLOW_DEFAULT_MONITOR"] == "nullSidecarMonitor"
    assert here["METAFLOW_DATASTORE_SYSROOT_LOCAL"] == "/shared/out/.metaflow"


def test_a_dry_run_prints_what_would_be_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in CLUSTER.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("nothing may run"))
    wanted = ["flow", "deploy", "train", "--data", "lines", "--out", str(tmp_path / "out"), "--require", "cer=0.06"]
    assert main([*wanted, "--dry-run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["flow"], found["scheduler"], found["schedule"]) == ("train", "step-functions", "0 0 ? * SUN *")
    assert found["order"]["require"] == {"cer": 0.06} and found["command"][-4:-2] == ["step-functions", "create"]
    assert main([*wanted, "--dry-run"]) == 0
    told = capsys.readouterr().err
    assert "METAFLOW_DATASTORE_SYSROOT_S3=s3://flows/metaflow" in told and "step-functions create" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("EMENDO_FLOW__ENGINE", "local", "nothing can be deployed with flow.engine 'local'"),
        ("EMENDO_FLOW__IMAGE", "", "needs flow.image and flow.datastore"),
        ("EMENDO_FLOW__SCHEDULE", "sometimes", "'sometimes' is no cron expression"),
        ("EMENDO_FLOW__ENGINE", "cloud", "setting 'flow.engine'"),
    ],
)
def test_settings_that_cannot_be_are_one_sentence(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for setting, given in {**CLUSTER, name: value}.items():
        monkeypatch.setenv(setting, given)
    assert main(["flow", "deploy", "batch", "--data", "lines", "--out", "out", "--dry-run"]) == 2
    told = capsys.readouterr().err
    assert sentence in told and told.count("\n") == 1


def test_a_flow_that_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flow", "deploy", "everything", "--dry-run"]) == 2
    assert "no flow 'everything'; use train, batch, monitor, arabic" in capsys.readouterr().err


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An AWS that is none: S3, Step Functions and EventBridge of moto on this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    for name in ("AWS_ENDPOINT_URL", "METAFLOW_S3_ENDPOINT_URL"):
        monkeypatch.setenv(name, address)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    yield address
    server.stop()


def test_a_state_machine_is_made_of_a_flow(
    amazon: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in CLUSTER.items():
        monkeypatch.setenv(name, value)
    role = boto3.client("iam").create_role(RoleName="flows", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    batch, ec2 = boto3.client("batch"), boto3.client("ec2")
    machines = {
        "type": "FARGATE",
        "maxvCpus": 16,
        "subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
        "securityGroupIds": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
    }
    kept = batch.create_compute_environment(
        computeEnvironmentName="machines", type="MANAGED", state="ENABLED", serviceRole=role, computeResources=machines
    )
    order = [{"order": 1, "computeEnvironment": kept["computeEnvironmentArn"]}]
    batch.create_job_queue(jobQueueName="slow", state="ENABLED", priority=1, computeEnvironmentOrder=order)
    for name in ("SFN_IAM_ROLE", "ECS_S3_ACCESS_IAM_ROLE", "EVENTS_SFN_ACCESS_IAM_ROLE", "ECS_FARGATE_EXECUTION_ROLE"):
        monkeypatch.setenv(f"METAFLOW_{name}", role)
    monkeypatch.setenv("METAFLOW_SFN_DYNAMO_DB_TABLE", "flows")
    boto3.client("s3").create_bucket(
        Bucket="flows", CreateBucketConfiguration={"LocationConstraint": os.environ["AWS_DEFAULT_REGION"]}
    )
    assert main(["flow", "deploy", "batch", "--data", "lines", "--out", str(tmp_path / "out")]) == 0
    assert "EmendoBatch" in capsys.readouterr().err
    found = boto3.client("stepfunctions").list_state_machines()["stateMachines"]
    made = boto3.client("stepfunctions").describe_state_machine(stateMachineArn=found[0]["stateMachineArn"])
    states = json.dumps(json.loads(made["definition"])["States"])
    assert all(f'"{name}"' in states for name in ("start", "gather", "end"))
    assert "registry.example/emendo:1" in states and '"slow"' in states
    rules = boto3.client("events").list_rules()["Rules"]
    assert [rule["ScheduleExpression"] for rule in rules] == ["cron(0 0 ? * SUN *)"]
