"""A mapped task of Airflow for each job: what is incomplete is tried again, what needs a person is not."""

import os
import subprocess
from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException

TRY_AGAIN = {3, 5, 7, 130, 143}


@dag(schedule="15 3 * * *", start_date=datetime(2025, 1, 1, tzinfo=UTC), catchup=False)
def resumable_jobs() -> None:
    @task(retries=5, retry_delay=timedelta(minutes=1), retry_exponential_backoff=True, max_active_tis_per_dagrun=4)
    def resume(job: str) -> str:
        code = subprocess.run(["resumable", "resume", job, "--state", os.environ["RESUMABLE_STATE"]]).returncode
        if code in TRY_AGAIN:
            raise RuntimeError(f"{job} ended with exit {code}")
        if code:
            raise AirflowFailException(f"{job} ended with exit {code}: it needs a person")
        return job

    resume.expand(job=os.environ["RESUMABLE_JOBS"].split())


made = resumable_jobs()
