"""Everything that a page shows, to tell whether two runs show the same."""

from __future__ import annotations

import re

from streamlit.testing.v1 import AppTest


def page_contents(app: AppTest) -> list[str]:
    """Each element of the page's main part as it is sent to the browser, in order.

    Files made on demand get a new name at every run, which is left out.
    """
    shown = [str(node.proto) for node in app.main if getattr(node, "proto", None) is not None]
    return [re.sub(r'deferred_file_id: "\w+"', "", text) for text in shown]
