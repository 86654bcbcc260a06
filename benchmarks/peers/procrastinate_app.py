"""procrastinate with the rescuer of stalled jobs that its documentation shows; each minute
instead of each ten, and ahead of all other jobs."""

import os

from procrastinate import App, JobContext, PsycopgConnector

from benchmarks.peers import bodies

QUEUE = "bench"

app = App(connector=PsycopgConnector(conninfo=os.environ.get("DATABASE_URL", "")))
run = app.task(name="run", queue=QUEUE)(bodies.run)


@app.periodic(cron="* * * * *")
@app.task(queue=QUEUE, queueing_lock="retry_stalled_jobs", priority=100, pass_context=True)
async def retry_stalled_jobs(context: JobContext, timestamp: int) -> None:
    for job in await app.job_manager.get_stalled_jobs():
        await app.job_manager.retry_job(job)
