"""Attacks of others in the app: installed ones are found, modules are named at the start.

    streamlit run app.py -- --plugin my_package.my_attack

``LDVIZ_PLUGINS`` names modules too, joined by commas.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import streamlit as st

from ldviz.attacks import load_plugins
from ldviz.errors import InputError


def plugin_modules() -> tuple[str, ...]:
    """The modules that the server was started with, each once, in order."""
    named = [*os.environ.get("LDVIZ_PLUGINS", "").split(","), *_named_in(sys.argv)]
    return tuple(dict.fromkeys(name.strip() for name in named if name.strip()))


def ensure_plugins() -> None:
    """Have every plugin registered; one that cannot be loaded is named on the page."""
    problem = _load(plugin_modules())
    if problem:
        st.error(problem, icon=":material/extension_off:")


def _named_in(arguments: Sequence[str]) -> list[str]:
    """What follows ``--plugin``, or ``--plugin=``."""
    names = []
    for index, argument in enumerate(arguments):
        if argument == "--plugin":
            names += arguments[index + 1 : index + 2]
        elif argument.startswith("--plugin="):
            names.append(argument.removeprefix("--plugin="))
    return names


@st.cache_resource(show_spinner=False)
def _load(modules: tuple[str, ...]) -> str:
    """Load once per server; the message of those that failed, empty where all is well."""
    try:
        load_plugins(modules)
    except InputError as error:
        return str(error)
    return ""
