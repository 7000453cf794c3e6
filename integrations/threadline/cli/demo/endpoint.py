"""The model of the demo: the user's own endpoint where there is one, else the scripted one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from threadline.cli.demo.scripted import ScriptedModel
from threadline.errors import EndpointError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from openai import OpenAI

DEFAULT_MODEL: Final = "gpt-4o-mini"
OPENAI: Final = "https://api.openai.com/v1"
_TIMEOUT_S: Final = 60.0
_SHOWN: Final = 5


class Chosen(NamedTuple):
    """The model that the demo talks to."""

    model: BaseChatModel
    what: str
    url: str | None = None


def choose_model(*, pace: float = 1.0) -> Chosen:
    """Return the model, and what to say of it: which one it is, and why.

    Args:
        pace: How long the scripted one takes; 0 for no time at all.

    Raises:
        EndpointError: if the user's own endpoint does not say which models it has.
    """
    key, url = os.environ.get("OPENAI_API_KEY"), os.environ.get("OPENAI_BASE_URL")
    if not key and not url:
        why = "neither OPENAI_API_KEY nor OPENAI_BASE_URL is set"
        return Chosen(
            ScriptedModel(pace=pace), f"a scripted one, since {why}; nothing leaves this machine"
        )
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    name = os.environ.get("OPENAI_MODEL") or _served_model(url, key)
    model = ChatOpenAI(
        model=name,
        base_url=url or OPENAI,
        api_key=SecretStr(key or "none"),
        timeout=_TIMEOUT_S,
        max_retries=1,
    )
    because = "OPENAI_BASE_URL" if url else "OPENAI_API_KEY"
    return Chosen(model, f"{name} at {url or OPENAI}, since {because} is set", url or OPENAI)


def _served_model(url: str | None, key: str | None) -> str:
    """Return the one model that an endpoint serves, else the default one."""
    if url is None:
        return DEFAULT_MODEL
    from openai import APIStatusError, OpenAI, OpenAIError

    try:
        with OpenAI(base_url=url, api_key=key or "none", timeout=10, max_retries=0) as client:
            names = _names(client)
    except APIStatusError:  # an endpoint need not have a list of models
        return DEFAULT_MODEL
    except OpenAIError as error:
        raise EndpointError(url, str(error)) from error
    if len(names) == 1 or DEFAULT_MODEL in names:
        return DEFAULT_MODEL if DEFAULT_MODEL in names else names[0]
    some = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    reason = f"it serves {len(names)} models ({some}); name one with OPENAI_MODEL"
    raise EndpointError(url, reason)


def _names(client: OpenAI) -> list[str]:
    return [model.id for model in client.models.list()]
