"""A page with two hand-made studies: opened side by side, closed again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from tests.pages.hand_made_study import write_hand_made_study

PAGES = Path(__file__).resolve().parents[2] / "pages"


def write_two_studies(folder: Path, *, num_samples: int = 60, **settings: Any) -> None:
    """Studies "noise" and "other": other images, or with 80 samples the same ones."""
    write_hand_made_study(folder / "noise")
    write_hand_made_study(
        folder / "other", title="Other noise", num_samples=num_samples, **settings
    )


def opened(page: str, **query: str) -> AppTest:
    """A page of ``pages/`` with "noise" as its study."""
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=120)
    for name, value in ({"study": "noise"} | query).items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def compare(app: AppTest, other: str | None = "other") -> AppTest:
    """Set a study beside the first, or None to take it away, and run."""
    app.session_state["ldviz-view"] = app.session_state["ldviz-view"].changed(other=other)
    app.run()
    assert not app.exception
    return app


def html_of(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


def words_of(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption, *app.info])


def layouts_of(app: AppTest) -> list[dict[str, Any]]:
    """Layouts of the page's charts, in order."""
    return [json.loads(chart.proto.spec)["layout"] for chart in app.get("plotly_chart")]
