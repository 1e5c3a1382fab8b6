"""How a network is shown: summary, diagram, stages, layers, responses."""

from collections.abc import Sequence
from typing import Any, Literal

from dash import html

from reslab.report.diagram import DARK, draw_network
from reslab.report.palette import colour
from reslab.web.figures import Figure, figure_card
from reslab.web.inspection import Inspected, Responses, list_stage_costs
from reslab.web.pictures import picture_card, to_csv
from reslab.web.tables import plain_table

Cost = Literal["params", "macs"]
LAYER_COLUMNS = {
    "name": "Layer", "type": "Type", "kernel": "Kernel", "stride": "Stride", "in_channels": "In",
    "out_channels": "Out", "output_size": "Output", "params": "Parameters", "macs": "Multiply-adds",
}  # fmt: skip
STAGE_TITLES: dict[Cost, str] = {
    "params": "Parameters by stage",
    "macs": "Multiply-adds by stage",
}
UNITS = {"params": "parameters", "macs": "multiply-adds"}
RESPONSES_HEIGHT = 360
MAX_ROWS = 600
"""Of a layer table; a browser draws more only slowly."""


def show_network(net: Inspected, side: str) -> list[Any]:
    """One network: in a few numbers, as a diagram, layer by layer.

    Args:
        net: the network.
        side: where it stands, for names that are unique on the page.
    """
    return [html.H2(net.config.name), _summary(net), _diagram(net, side), _layer_table(net)]


def _summary(net: Inspected) -> html.Dl:
    description = net.description
    shortcuts = description.shortcuts
    facts = {
        "Parameters": f"{description.params:,}",
        "Multiply-adds": f"{description.macs:,} for one image of {net.config.input_size}×"
        f"{net.config.input_size}",
        "Weighted layers": description.depth_formula,
        "Shortcuts": f"{shortcuts['identity']} identity "
        f"({description.zero_padded_shortcuts} of them zero-padded), "
        f"{shortcuts['projection']} projection, {description.other_shortcuts} other",
    }
    return html.Dl(
        [part for name, fact in facts.items() for part in (html.Dt(name), html.Dd(fact))]
    )


def _diagram(net: Inspected, side: str) -> html.Figure:
    description = net.description
    rows = [[getattr(layer, key) for key in LAYER_COLUMNS] for layer in description.layers]
    return picture_card(
        f"diagram-{side}",
        f"Diagram of {net.config.name}",
        light=draw_network(net.config),
        dark=draw_network(net.config, colours=DARK),
        description=f"{net.config.name} layer by layer: {description.depth_formula}. The table "
        "below says the same in words.",
        data=to_csv(list(LAYER_COLUMNS), rows),
    )


def _layer_table(net: Inspected) -> html.Section:
    layers = net.description.layers
    rows = [[getattr(layer, key) for key in LAYER_COLUMNS] for layer in layers[:MAX_ROWS]]
    note = []
    if len(layers) > MAX_ROWS:
        note = [html.P(f"The first {MAX_ROWS:,} of {len(layers):,}; the diagram's data has all.")]
    table = plain_table(list(LAYER_COLUMNS.values()), rows, f"Layers of {net.config.name}")
    return html.Section([table, *note], className="card")


def show_stages(nets: Sequence[Inspected]) -> list[Any]:
    """Parameters and multiply-adds by stage, the networks side by side."""
    return [
        figure_card(f"{key}-by-stage", title, _draw_stages(nets, key), height=300)
        for key, title in STAGE_TITLES.items()
    ]


def _draw_stages(nets: Sequence[Inspected], key: Cost) -> Figure:
    traces = []
    for i, (label, net) in enumerate(zip(name_nets(nets), nets, strict=True)):
        costs = list_stage_costs(net.description)
        traces.append(
            {
                "type": "bar",
                "name": label,
                "x": [cost.stage for cost in costs],
                "y": [getattr(cost, key) for cost in costs],
                "marker": {"color": colour(i)},
                "hovertemplate": "%{y:,} in %{x}<extra>%{fullData.name}</extra>",
            }
        )
    layout = {
        "barmode": "group",
        # In the order of the deepest, wherever the others' heads come.
        "xaxis": {"categoryorder": "array", "categoryarray": _list_stages(nets)},
        "showlegend": True,
        "yaxis": {"title": {"text": UNITS[key]}},
    }
    return {"data": traces, "layout": layout}


def _list_stages(nets: Sequence[Inspected]) -> list[str]:
    return max(
        ([cost.stage for cost in list_stage_costs(net.description)] for net in nets), key=len
    )


def show_responses(measured: Sequence[Responses]) -> html.Figure:
    """Fig. 7: plain dashed, residual solid."""
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": f"{one.label}{' (right)' if i and one.label == measured[0].label else ''}",
            "x": list(range(1, len(one.std) + 1)),
            "y": list(one.std),
            "text": list(one.layers),
            "line": {"color": colour(i), "width": 2, "dash": _dash(one.family)},
            "marker": {"size": 4},
            "hovertemplate": "%{text}: %{y:.3g}<extra>%{fullData.name}</extra>",
        }
        for i, one in enumerate(measured)
    ]
    # Deep plain nets can respond so strongly that nothing else is seen beside them.
    values = [value for one in measured for value in one.std]
    log = max(values) > 20 * min(values) > 0
    layout = {
        "showlegend": True,
        "xaxis": {"title": {"text": "3×3 layer", "standoff": 8}},
        "yaxis": {
            "title": {"text": "standard deviation"},
            "type": "log" if log else "linear",
            "rangemode": "tozero",
        },
    }
    title = "Responses by layer: plain dashed, residual solid"
    return figure_card(
        "responses", title, {"data": traces, "layout": layout}, height=RESPONSES_HEIGHT
    )


def _dash(family: str) -> str:
    return "dash" if family == "plain" else "solid"


def name_nets(nets: Sequence[Inspected]) -> list[str]:
    """Names that differ."""
    names = [net.config.name for net in nets]
    if len(set(names)) == len(names):
        return names
    return [f"{name} ({side})" for name, side in zip(names, ("left", "right"), strict=False)]
