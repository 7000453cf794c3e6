"""Recording every run of this process, through langchain-core's own hook for that."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from langchain_core.tracers.context import register_configure_hook

from threadline.langchain.handler import ThreadlineCallbackHandler


class _AttachedHandler(ThreadlineCallbackHandler):
    """The one handler that the hook adds; it cannot be taken out again, only silenced."""

    def __init__(self) -> None:
        super().__init__()
        self.attached = False

    def on_chain_start(self, *args: Any, **kwargs: Any) -> None:
        """A chain began; a new root is only recorded while attached."""
        if self._may_begin(kwargs):
            super().on_chain_start(*args, **kwargs)

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        """A chat model was called."""
        if self._may_begin(kwargs):
            super().on_chat_model_start(*args, **kwargs)

    def on_llm_start(self, *args: Any, **kwargs: Any) -> None:
        """A completion model was called."""
        if self._may_begin(kwargs):
            super().on_llm_start(*args, **kwargs)

    def on_tool_start(self, *args: Any, **kwargs: Any) -> None:
        """A tool was called."""
        if self._may_begin(kwargs):
            super().on_tool_start(*args, **kwargs)

    def on_retriever_start(self, *args: Any, **kwargs: Any) -> None:
        """A retriever was asked."""
        if self._may_begin(kwargs):
            super().on_retriever_start(*args, **kwargs)

    def _may_begin(self, kwargs: dict[str, Any]) -> bool:
        return self.attached or kwargs.get("parent_run_id") is not None


class _Hook:
    """Registers the handler with langchain-core once per process."""

    def __init__(self) -> None:
        self.handler: _AttachedHandler | None = None

    def attach(self) -> None:
        if self.handler is None:
            self.handler = _AttachedHandler()
            variable: ContextVar[Any] = ContextVar("threadline_attached", default=self.handler)
            # with the class given, a handler that a call is given explicitly is used instead
            register_configure_hook(
                variable, inheritable=True, handle_class=ThreadlineCallbackHandler
            )
        self.handler.attached = True

    def detach(self) -> None:
        if self.handler is not None:
            self.handler.attached = False


_hook: Final = _Hook()
attach: Final = _hook.attach
detach: Final = _hook.detach
