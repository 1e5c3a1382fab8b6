"""Runs: all of a folder in a table, the chosen ones as curves while they train."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from dash import Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.exceptions import PreventUpdate

from reslab.web.browser import in_browser
from reslab.web.chosen_runs import MAX_CHOSEN, ChosenRun, open_chosen
from reslab.web.context import Context
from reslab.web.controls import choice, switches, toggled
from reslab.web.curves import CurveOptions, draw_curves, make_curves
from reslab.web.differences import find_differences
from reslab.web.figures import empty_figure, figure_card, graph_of, style_figure
from reslab.web.run_actions import resume_chosen, stop_chosen, tell_failures
from reslab.web.run_grid import run_grid, to_transaction
from reslab.web.run_table import Mark, Row
from reslab.web.tables import plain_table

NOTHING_CHOSEN = "Tick runs in the table to see their curves."
TICK, CURVES = "runs-tick", graph_of("curves")


def layout(context: Context) -> list[Any]:
    """The page as it opens."""
    version, rows = context.table.rows()
    return [
        html.H1("Runs"),
        html.Div(
            [
                dcc.Input(id="search", type="search", placeholder="Search: name, network, state …"),
                html.Button("Stop", id="stop", type="button", disabled=True),
                html.Button("Resume", id="resume", type="button", disabled=True),
                html.Span(_count(rows), id="count", className="muted"),
            ],
            className="bar",
        ),
        html.Div(run_grid(rows), className="grid-place"),
        html.Div(_controls(), className="bar controls"),
        figure_card(
            "curves",
            "Curves of the chosen runs: training dashed, test bold",
            empty_figure(NOTHING_CHOSEN),
            height=460,
        ),
        html.Section(
            [html.H2("In what they differ"), html.Div(_show_differences([]), id="differences")],
            className="card",
        ),
        dcc.Store(id="chosen", data=[]),
        dcc.Store(id="seen", data={"version": version, "curves": []}),
        dcc.Store(id="aged"),
        dcc.Interval(id=TICK, interval=round(1000 * context.settings.refresh_seconds)),
    ]


def _controls() -> list[Any]:
    parts = {"training": "Training", "validation": "Validation", "test": "Test"}
    looks = {"log_x": "Log x", "log_y": "Log y", "band": "Seeds as band"}
    slider = dcc.Input(id="smoothing", type="range", min=0, max=0.95, step=0.05, value=0)
    return [
        choice("quantity", "Show", {"error": "Error", "loss": "Loss"}, "error"),
        choice("against", "Against", {"steps": "Steps", "time": "Time"}, "steps"),
        switches("parts", "Lines", parts, ["training", "test"]),
        switches("looks", "Axes", looks, []),
        html.Div([html.Label("Smoothing", htmlFor="smoothing"), slider], className="field slider"),
    ]


def register(app: Dash, context: Context) -> None:
    """Install what happens on this page."""
    _register_browser_side(app)
    _register_refreshing(app, context)
    _register_actions(app, context)


def _register_refreshing(app: Dash, context: Context) -> None:
    @lru_cache(maxsize=16)
    def show(marks: tuple[Mark, ...], options: CurveOptions) -> tuple[Any, ...]:
        """The same for all who look at the same runs in the same way."""
        return _show(open_chosen(context, [name for name, _, _ in marks]), marks, options)

    @app.callback(
        Output("runs", "rowData"),
        Output("runs", "rowTransaction"),
        Output("count", "children"),
        Output(CURVES, "figure"),
        Output("differences", "children"),
        Output("stop", "disabled"),
        Output("resume", "disabled"),
        Output("seen", "data"),
        Input(TICK, "n_intervals"),
        Input("chosen", "data"),
        {
            "quantity": Input(toggled("quantity"), "data"),
            "against": Input(toggled("against"), "data"),
            "parts": Input(toggled("parts"), "data"),
            "looks": Input(toggled("looks"), "data"),
            "smoothing": Input("smoothing", "value"),
        },
        State("seen", "data"),
        prevent_initial_call=True,
    )
    def refresh(
        _ticks: int, chosen: list[str], how: dict[str, Any], seen: dict[str, Any]
    ) -> tuple[Any, ...]:
        version, *table = _news(context, seen["version"])
        marks = context.table.marks(chosen[:MAX_CHOSEN])
        # What the browser sends back has become lists.
        same_curves = ctx.triggered_id == TICK and list(map(list, marks)) == seen["curves"]
        if version == seen["version"] and same_curves:
            raise PreventUpdate
        curves: tuple[Any, ...] = (no_update,) * 4
        if not same_curves:
            curves = show(tuple(marks), _options(how))
        return *table, *curves, {"version": version, "curves": marks}


def _register_actions(app: Dash, context: Context) -> None:
    @app.callback(
        Output("notice", "children", allow_duplicate=True),
        Input("stop", "n_clicks"),
        Input("resume", "n_clicks"),
        State("chosen", "data"),
        prevent_initial_call=True,
    )
    def act(stops: int | None, resumes: int | None, chosen: list[str]) -> str:
        if not (stops or resumes):
            raise PreventUpdate
        change = stop_chosen if ctx.triggered_id == "stop" else resume_chosen
        return change(context, chosen)

    @app.callback(
        Output("notice", "children", allow_duplicate=True),
        Input("seen", "data"),
        prevent_initial_call=True,
    )
    def tell(_seen: Any) -> str:
        failures = tell_failures(context)
        if not failures:
            raise PreventUpdate
        return " ".join(failures)


def _register_browser_side(app: Dash) -> None:
    for function, output, asked in (
        ("names_of", Output("chosen", "data"), Input("runs", "selectedRows")),
        ("refresh_ages", Output("aged", "data"), Input(TICK, "n_intervals")),
        ("search", Output("aged", "data", allow_duplicate=True), Input("search", "value")),
    ):
        in_browser(app, function, output, asked)


def _news(context: Context, seen: int) -> tuple[Any, ...]:
    """The newest version; rows, transaction and count to show since another one."""
    if context.table.is_foreign(seen):
        # The page has been served anew since the browser opened it.
        version, rows = context.table.rows()
        return version, rows, no_update, _count(rows)
    changes = context.table.changes(seen)
    if changes.is_empty:
        return seen, no_update, no_update, no_update
    return (
        changes.version,
        no_update,
        to_transaction(changes),
        _count(context.table.rows()[1]),
    )


def _options(how: dict[str, Any]) -> CurveOptions:
    looks = dict.fromkeys(how["looks"], True)
    return CurveOptions(
        quantity=how["quantity"],
        against=how["against"],
        parts=tuple(how["parts"]),
        smoothing=float(how["smoothing"] or 0),
        **looks,
    )


def _show(
    runs: Sequence[ChosenRun], marks: Sequence[Mark], options: CurveOptions
) -> tuple[Any, ...]:
    curves = make_curves([run.measured for run in runs], options)
    message = "Nothing has been measured yet." if runs else NOTHING_CHOSEN
    figure = style_figure(draw_curves(curves, options)) if curves else empty_figure(message)
    states = [state for _, state, _ in marks]
    stops, resumes = "running" in states, "stopped" in states
    return figure, _show_differences(runs), not stops, not resumes


def _show_differences(runs: Sequence[ChosenRun]) -> Any:
    if len(runs) < 2:
        return html.P("Tick two or more runs to see in what their configurations differ.")
    rows = find_differences([run.config for run in runs])
    columns = ["setting", *(run.measured.label for run in runs)]
    table = plain_table(columns, [[name, *values] for name, values in rows])
    return table if rows else html.P("Their configurations are the same.")


def _count(rows: Sequence[Row]) -> str:
    states = Counter(row["state"] for row in rows)
    noun = "run" if len(rows) == 1 else "runs"
    training = f", {states['running']} training" if states["running"] else ""
    chosen = f"; up to {MAX_CHOSEN} can be compared"
    return f"{len(rows):,} {noun}{training}{chosen}"
