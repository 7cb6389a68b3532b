"""Errors of the input, shown in place; bugs keep their traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from ldviz.errors import LdvizError, NotApplicableError


@contextmanager
def shown_failures() -> Iterator[None]:
    """Show an LdvizError as one message where the block would have drawn."""
    try:
        yield
    except NotApplicableError as error:
        st.info(str(error), icon=":material/info:")
    except LdvizError as error:
        st.error(str(error), icon=":material/error:")
