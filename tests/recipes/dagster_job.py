"""A job of Dagster that resumes one of ours: what is incomplete is tried again, what needs a person is not."""

import subprocess

import dagster as dg


@dg.op(retry_policy=dg.RetryPolicy(max_retries=5, delay=60, backoff=dg.Backoff.EXPONENTIAL), config_schema={"job": str})
def resume(context: dg.OpExecutionContext) -> None:
    job = context.op_config["job"]
    code = subprocess.run(["resumable", "resume", job]).returncode
    if code:
        raise dg.Failure(f"{job} ended with exit {code}", allow_retries=code in {3, 5, 7, 130, 143})


@dg.job
def resumable_job() -> None:
    resume()
