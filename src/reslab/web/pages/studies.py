"""Studies: what was found, beside the paper; another one started and watched."""

from collections.abc import Sequence
from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.exceptions import PreventUpdate

from reslab.studies.catalogue import STUDY_NAMES
from reslab.web.context import Context
from reslab.web.controls import aria, choice, toggled
from reslab.web.study_jobs import StudyNews, StudyOrder, describe_cost
from reslab.web.study_results import list_studies_in, show_study

TICK = "studies-tick"
DATA = {"digits": "digits", "cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}
BUDGETS = {"smoke": "smoke", "quick": "quick", "paper": "paper"}
FIRST_ORDER = StudyOrder(study=STUDY_NAMES[0], data="digits", budget="smoke")
NO_RESULTS = "No study has been carried out in this folder yet: start one above."


def layout(context: Context) -> list[Any]:
    """The page as it opens."""
    names = list_studies_in(context.workspace)
    first = names[0] if names else None
    return [
        html.H1("Studies"),
        html.Section(_order_form(context), className="card"),
        html.Div(_show_stored(names, first), id="stored"),
        html.Div(_show_results(context, first), id="results", className="results"),
        dcc.Store(id="stored-names", data=names),
        dcc.Interval(id=TICK, interval=round(1000 * context.settings.refresh_seconds)),
    ]


def _order_form(context: Context) -> list[Any]:
    available = DATA if context.settings.data_root is not None else {"digits": "digits"}
    return [
        html.H2("Carry out a study"),
        html.Div(
            [
                choice("order-study", "Study", {n: n for n in STUDY_NAMES}, FIRST_ORDER.study),
                choice("order-data", "Data", available, FIRST_ORDER.data),
                choice("order-budget", "Budget", BUDGETS, FIRST_ORDER.budget),
            ],
            className="bar controls",
        ),
        html.Div(
            [
                html.Button("Start", id="start-study", type="button"),
                html.Span(_tell_cost(FIRST_ORDER), id="cost", className="muted"),
            ],
            className="bar",
        ),
        html.Div(_show_news(context.studies.news()), id="news", **aria(live="polite")),
    ]


def register(app: Dash, context: Context) -> None:
    """Install what happens on this page."""
    _register_order(app, context)
    _register_stopping(app, context)
    _register_results(app, context)


def _register_order(app: Dash, context: Context) -> None:
    order = [Input(toggled(f"order-{part}"), "data") for part in ("study", "data", "budget")]

    @app.callback(Output("cost", "children"), *order, prevent_initial_call=True)
    def tell_cost(*asked: Any) -> str:
        return _tell_cost(_order(asked))

    @app.callback(
        Output("news", "children", allow_duplicate=True),
        Input("start-study", "n_clicks"),
        *[State(one.component_id, "data") for one in order],
        prevent_initial_call=True,
    )
    def start(clicks: int | None, *asked: Any) -> Any:
        if not clicks:
            raise PreventUpdate
        context.studies.start(_order(asked))
        return _show_news(context.studies.news())


def _register_stopping(app: Dash, context: Context) -> None:
    @app.callback(
        Output("notice", "children", allow_duplicate=True),
        Input({"stop-study": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def stop(clicks: list[int | None]) -> str:
        if not any(clicks) or not isinstance(ctx.triggered_id, dict):
            raise PreventUpdate
        name = ctx.triggered_id["stop-study"]
        context.studies.stop(name)
        return f"{name} was asked to stop; starting it again goes on from there."


def _register_results(app: Dash, context: Context) -> None:
    @app.callback(
        Output("news", "children"),
        Output("stored", "children"),
        Output("stored-names", "data"),
        Input(TICK, "n_intervals"),
        State("stored-names", "data"),
        State({"toggle": "study", "part": "chosen"}, "data"),
        prevent_initial_call=True,
    )
    def refresh(_ticks: int, names: list[str], chosen: str | None) -> tuple[Any, Any, Any]:
        news = context.studies.news()
        now = list_studies_in(context.workspace) if news else names
        if not news and now == names:
            raise PreventUpdate
        stored = no_update if now == names else _show_stored(now, chosen or now[0])
        return _show_news(news), stored, now

    @app.callback(
        Output("results", "children"), Input(toggled("study"), "data"), prevent_initial_call=True
    )
    def show(name: str | None) -> list[Any]:
        return _show_results(context, name)


def _tell_cost(order: StudyOrder) -> str:
    return f"About {describe_cost(order)} of one CPU core."


def _order(asked: Sequence[Any]) -> StudyOrder:
    study, data, budget = asked
    return StudyOrder(study=study, data=data, budget=budget)


def _show_stored(names: Sequence[str], chosen: str | None) -> Any:
    if not names:
        # The choice is there all the same, with nothing in it.
        return [html.P(NO_RESULTS), dcc.Store(id=toggled("study"))]
    return choice("study", "Stored results", {name: name for name in names}, chosen or names[0])


def _show_results(context: Context, name: str | None) -> list[Any]:
    return [] if name is None else show_study(context.workspace, name)


def _show_news(news: Sequence[StudyNews]) -> list[html.Div]:
    return [
        html.Div(
            [
                html.Strong(one.job.name),
                html.Progress(
                    value=str(one.steps_done),
                    max=str(max(one.steps, 1)),
                    **aria(label=f"Progress of {one.job.name}"),
                ),
                html.Span(one.to_text()),
                html.Button(
                    "Stop",
                    id={"stop-study": one.job.name},
                    type="button",
                    className="quiet",
                    disabled=one.job.state != "running",
                ),
            ],
            className="bar",
        )
        for one in reversed(news)
    ]
