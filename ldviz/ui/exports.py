"""Everything leaves the page: figures, tables, and the whole view as JSON.

One call, :func:`show_exports`, ends a page.  Figures are saved from their own toolbar, in the
format chosen here; their data are those that they draw.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from pydantic import BaseModel

import ldviz
from ldviz.figures.theme import MEMBER, NEUTRAL
from ldviz.study.store import Study
from ldviz.ui.state import current_view
from ldviz.view import View

EXPORT_SCHEMA_VERSION = 1
_FORMAT = "ldviz-image-format"
_PACKAGES = ("numpy", "scipy", "streamlit", "plotly")
_BUTTONS = ("zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "resetScale2d")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class ExportTable:
    """A table that can leave the page.

    Attributes:
        title: on its buttons.
        rows: one flat mapping per line, or a function that makes them when asked.
        latex: makes the LaTeX text; None where there is no such form.
    """

    title: str
    rows: Sequence[Row] | Callable[[], Sequence[Row]]
    latex: Callable[[], str] | None = None

    def csv(self) -> str:
        """The rows as comma-separated values."""
        rows = self.rows() if callable(self.rows) else self.rows
        return rows_csv(rows)


@dataclass(frozen=True)
class PageExport:
    """What a page offers.

    Attributes:
        page: its name, in the JSON and in file names.
        figures: title to figure.
        tables: title to table.
        numbers: what the page shows, by name, or a function that makes them when asked;
            Measured values keep their intervals.
        settings: of the page, beside those of the view.
    """

    page: str
    figures: Mapping[str, go.Figure] = field(default_factory=dict)
    tables: Sequence[ExportTable] = ()
    numbers: Mapping[str, Any] | Callable[[], Mapping[str, Any]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def chart_config(study: Study, page: str, figure: str, *, select: bool = False) -> dict[str, Any]:
    """Plotly's toolbar: one button that saves the figure in the chosen format.

    Args:
        study, page, figure: name the file.
        select: keep the toolbar's box and lasso.
    """
    away = [*_BUTTONS] if select else [*_BUTTONS, "select2d", "lasso2d"]
    return {
        "displayModeBar": True,
        "displaylogo": False,
        "modeBarButtonsToRemove": away,
        "scrollZoom": False,
        "toImageButtonOptions": {
            "format": st.session_state.get(_FORMAT) or "png",
            "filename": file_stem(study, page, figure),
            "scale": 3,
        },
    }


def show_chart(
    study: Study, page: str, name: str, figure: go.Figure, *, select: bool = False, **options: Any
) -> None:
    """Draw a figure that can be saved from its own corner.

    Args:
        study, page, name: name the saved file.
        figure: its toolbar's colours are set here, to suit both themes.
        select: keep the toolbar's box and lasso.
        options: of ``st.plotly_chart``; give a ``key`` and an ``alt``.
    """
    figure.update_layout(
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": NEUTRAL, "activecolor": MEMBER}
    )
    st.plotly_chart(figure, config=chart_config(study, page, name, select=select), **options)


def show_exports(
    study: Study, export: PageExport, *, view_at: Callable[[], View] | None = None
) -> None:
    """Draw one quiet button that opens to everything that can be saved of a page.

    Args:
        study: what is looked at.
        export: what there is to save.
        view_at: the view at the moment of saving, for a page of which a part changes alone;
            it runs outside the session.  None for the view now.
    """
    now = current_view()
    view_at = view_at or (lambda: now)
    with st.popover("Export", icon=":material/download:"):
        if export.figures:
            st.segmented_control(
                "Figures: save with the camera in a figure's corner, as",
                ["png", "svg"],
                default="png",
                required=True,
                format_func=str.upper,
                key=_FORMAT,
                persist_state="session",
            )
        for title, figure in export.figures.items():
            _button(
                f"{title}: data (CSV)",
                lambda figure=figure: rows_csv(figure_rows(figure)),
                file_stem(study, export.page, title) + ".csv",
            )
        for table in export.tables:
            stem = file_stem(study, export.page, table.title)
            _button(f"{table.title} (CSV)", table.csv, f"{stem}.csv")
            if table.latex is not None:
                _button(f"{table.title} (LaTeX)", table.latex, f"{stem}.tex")
        _button(
            "The whole view (JSON)",
            lambda: json.dumps(page_json(study, view_at(), export), indent=1, ensure_ascii=False),
            file_stem(study, export.page, "view") + ".json",
        )
        st.caption("The address in the browser is a link that restores this view.")


def page_json(study: Study, view: View, export: PageExport) -> dict[str, Any]:
    """The whole view: settings, seed, versions, sample counts, and every number shown."""
    manifest = study.manifest
    numbers = export.numbers() if callable(export.numbers) else export.numbers
    return {
        "schema_version": EXPORT_SCHEMA_VERSION,
        "page": export.page,
        "exported": datetime.now(UTC).isoformat(timespec="seconds"),
        "link": view.changed(study=study.name).to_query(),
        "view": view.changed(study=study.name).model_dump(mode="json"),
        "settings": as_json(export.settings),
        "study": {
            "name": study.name,
            "title": study.title,
            "digest": study.digest,
            "weights_sha256": manifest.model.sha256,
            "num_samples": manifest.num_samples,
            "n_member": manifest.n_member,
            "n_held_out": manifest.n_held_out,
            "latent_shape": list(manifest.latent_shape),
            "rank": manifest.geometry.rank if manifest.geometry else None,
        },
        "versions": {"here": _versions(), "analysis": dict(manifest.made_by.packages)},
        "numbers": as_json(numbers),
        "tables": {table.title: _table_json(table) for table in export.tables},
    }


def rows_csv(rows: Sequence[Row]) -> str:
    """Flat mappings as comma-separated values; columns in the order they first appear."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def figure_rows(figure: go.Figure) -> list[dict[str, Any]]:
    """What a figure draws, one line per point: trace, x, y, z, error bars, carried data."""
    rows: list[dict[str, Any]] = []
    for trace in figure.data:
        if trace.type == "heatmap":
            rows += [
                {"trace": trace.name, "x": x, "y": y, "z": float(trace.z[row][column])}
                for row, y in enumerate(trace.y)
                for column, x in enumerate(trace.x)
            ]
            continue
        errors = trace.error_y if trace.error_y.array is not None else trace.error_x
        for index, (x, y) in enumerate(zip(trace.x, trace.y, strict=True)):
            line = {"trace": trace.name, "x": _plain(x), "y": _plain(y)}
            if errors.array is not None:
                line["error_above"] = _plain(errors.array[index])
                line["error_below"] = _plain(errors.arrayminus[index])
            if trace.customdata is not None:
                line["id"] = _plain(trace.customdata[index][0])
            rows.append(line)
    return rows


def measured_row(number: Any) -> dict[str, Any]:
    """A Measured as columns of a flat row."""
    low, high = number.ci95 or (None, None)
    return {
        "value": number.value,
        "ci95_low": low,
        "ci95_high": high,
        "n_member": number.n_member,
        "n_held_out": number.n_held_out,
        "seed": number.seed,
        "num_resamples": number.num_resamples,
    }


def file_stem(study: Study, *parts: str) -> str:
    """A file name from words: "digits-timesteps-auc"."""
    words = re.sub(r"[^a-z0-9]+", "-", "-".join((study.name, *parts)).lower())
    return words.strip("-")


def as_json(value: Any) -> Any:
    """Numbers, arrays, models and mappings as JSON values; what is not finite becomes null."""
    if isinstance(value, BaseModel):
        return as_json(value.model_dump(mode="json"))
    if isinstance(value, Mapping):
        return {_key(key): as_json(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return as_json(value.tolist())
    if isinstance(value, list | tuple):
        return [as_json(entry) for entry in value]
    return _plain(value)


def _key(key: Any) -> str:
    return "_minus_".join(key) if isinstance(key, tuple) else str(key)


def _plain(value: Any) -> Any:
    """A NumPy scalar as Python's own; nan and infinity as None."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _table_json(table: ExportTable) -> list[dict[str, Any]]:
    rows = table.rows() if callable(table.rows) else table.rows
    return [as_json(dict(row)) for row in rows]


def _button(label: str, content: Callable[[], str], name: str) -> None:
    """A download whose content is made when it is asked for."""
    st.download_button(
        label,
        content,
        file_name=name,
        key=f"export/{name}",
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
    )


def _versions() -> dict[str, str]:
    """What is running here."""
    return {"ldviz": ldviz.__version__} | {name: metadata.version(name) for name in _PACKAGES}
