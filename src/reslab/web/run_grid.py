"""The table of runs as the browser draws it."""

from collections.abc import Sequence
from typing import Any

import dash_ag_grid as dag

from reslab.runs.summary import RUN_STATES
from reslab.web.run_table import Changes, Row

NUMBER = {"filter": "agNumberColumnFilter", "type": "rightAligned"}
FIXED = {**NUMBER, "valueFormatter": {"function": "reslabFixed(params.value)"}}
NO_RUNS = "No runs in this folder yet: reslab train makes one."


def run_grid(rows: Sequence[Row]) -> dag.AgGrid:
    """All rows, sorted and filtered in the browser; only the visible ones are drawn."""
    return dag.AgGrid(
        id="runs",
        columnDefs=_columns(),
        rowData=list(rows),
        getRowId="params.data.name",
        # Not as wide as there is room for: columns that stretch do so after they are first seen.
        defaultColDef={"filter": True, "width": 95},
        dashGridOptions={
            "rowSelection": {"mode": "multiRow", "enableClickSelection": True},
            "animateRows": False,
            "tooltipShowDelay": 300,
            "localeText": {"noRowsToShow": NO_RUNS},
        },
        style={"height": "100%"},
    )


def to_transaction(changes: Changes) -> dict[str, Any]:
    """The changes as the grid takes them."""
    parts = {"add": changes.added, "update": changes.updated, "remove": changes.removed}
    return {name: list(rows) for name, rows in parts.items() if rows}


def _columns() -> list[dict[str, Any]]:
    states = {f"state {name}": f"params.value == '{name}'" for name in RUN_STATES}
    steps = {"function": "reslabSteps(params.data)"}
    age = {"function": "reslabAge(params.value)"}
    return [
        {
            "field": "name",
            "headerName": "Run",
            "width": 270,
            "tooltipField": "problem",
        },
        {"field": "network", "headerName": "Network"},
        {"field": "data", "headerName": "Data", "width": 85},
        {"field": "seed", "headerName": "Seed", "width": 75, **NUMBER},
        {"field": "state", "headerName": "State", "cellClassRules": states},
        {
            "field": "step",
            "headerName": "Steps",
            "width": 130,
            "valueFormatter": steps,
            **NUMBER,
        },
        {"field": "train_error_pct", "headerName": "Training error %", "width": 140, **FIXED},
        {"field": "test_error_pct", "headerName": "Test error %", "width": 115, **FIXED},
        {"field": "minutes", "headerName": "Minutes", **FIXED},
        {
            "field": "updated_at",
            "headerName": "Age",
            "width": 80,
            "sort": "desc",
            "valueFormatter": age,
            **NUMBER,
            "filter": False,
        },
    ]
