"""Builds the warehouse of warehouse.py with SQLMesh on DuckDB: the same SELECTs, one model each, all of kind FULL.

Writes the models from benchmarks/peers/warehouse/ into a project below OUT, lets SQLMesh plan and apply them, and
publishes the mart as warehouse.py does. Runs in an environment with SQLMesh.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from parts import Job, filled, hundred_from, job_of, models, publish

os.environ["SQLMESH__DISABLE_ANONYMIZED_ANALYTICS"] = "true"

CONFIG = """
model_defaults:
  dialect: duckdb
  start: '2020-01-01'
gateways:
  duckdb:
    connection:
      type: duckdb
      database: '{database}'
"""


def write_project(job: Job) -> Path:
    """Writes a SQLMesh project with the SELECTs of the warehouse as models. Returns its folder."""
    project = job.out / "project"
    (project / "models").mkdir(parents=True)
    (project / "config.yaml").write_text(CONFIG.format(database=job.out / "warehouse.db"))
    for model in models():
        header = f"MODEL (name {model.name}, kind FULL);\n\n"
        # SQLMesh's parser takes the unquoted word for a keyword.
        select = re.sub(r"(?<![.'\w])force\b", '"force"', filled(model, job))
        (project / "models" / f"{model.name}.sql").write_text(header + select)
    return project


def main() -> None:
    """Plans, applies and publishes."""
    import sqlmesh

    job = job_of(__doc__)
    context = sqlmesh.Context(paths=str(write_project(job)))
    context.plan(auto_apply=True, no_prompts=True)
    connection = context.engine_adapter.connection
    publish(connection, job)
    hundred_from(connection, job)
    context.close()


if __name__ == "__main__":
    main()
