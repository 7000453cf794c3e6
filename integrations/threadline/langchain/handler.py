"""The callback handler for LangChain and LangGraph: every hook translates, hands over, returns."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from langchain_core.callbacks import BaseCallbackHandler

from threadline.capture.guard import hook_failures, never_raises
from threadline.capture.heard import CHUNKS_IN_A_ROW
from threadline.client.pickling import pickled_client, unpickled_client
from threadline.client.scopes import checked_id
from threadline.clock import now_ns
from threadline.langchain.ends import Ends
from threadline.langchain.graph_events import GRAPH_CALLBACKS, hear_graphs
from threadline.langchain.runs import RunTable
from threadline.langchain.shapes import is_mapping
from threadline.langchain.starts import Start, Starts, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from langchain_core.documents import Document
    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import LLMResult

    from threadline.capture.losses import Losses
    from threadline.client import Client

_MOST_CHUNKS: Final = 512
Tags = list[str] | None
Metadata = dict[str, Any] | None


class _RaisingInTests:
    """LangChain logs what a handler raises; only where our own failures are wanted it must not."""

    def __get__(self, handler: object, owner: type) -> bool:
        return hook_failures.reraise


class ThreadlineCallbackHandler(BaseCallbackHandler):
    """Records runs of LangChain and LangGraph as turns of conversations.

    One handler serves all users, threads and tasks at once: it holds no identity and no state
    besides the open runs. It runs inline, on the caller's thread, and never raises.

    Args:
        client: The client to record by; by default the default one, as it is when a turn begins.
        thread_id: The conversation of calls that name none (for scripts and notebooks).
        user_id: Whose calls these are where they name nobody.

    Raises:
        ArgumentError: if an id is empty or not a text.

    Example:
        >>> from langchain_core.runnables import RunnableLambda
        >>> from threadline import Client
        >>> client = Client(store="memory")
        >>> handler = ThreadlineCallbackHandler(client, thread_id="t-1")
        >>> RunnableLambda(str.upper).invoke("hello", config={"callbacks": [handler]})
        'HELLO'
        >>> client.reader().last().output
        'HELLO'
        >>> client.close().complete
        True
    """

    run_inline = True
    hears_graphs = False
    raise_error = _RaisingInTests()  # pyright: ignore[reportAssignmentType] (gives a bool)

    def __init__(
        self,
        client: Client | None = None,
        *,
        thread_id: str | None = None,
        user_id: str | None = None,
    ) -> None:
        super().__init__()
        self._client = client
        self._defaults = (
            None if thread_id is None else checked_id("thread_id", thread_id),
            None if user_id is None else checked_id("user_id", user_id),
        )
        self._runs = RunTable(client)
        self._ends = Ends(self._runs)
        self._starts = Starts(self._runs, self._defaults, self._ends.cut_off)

    @property
    def _losses(self) -> Losses:
        return self._runs.client.losses

    def __deepcopy__(self, memo: dict[int, Any]) -> ThreadlineCallbackHandler:
        return self

    def __copy__(self) -> ThreadlineCallbackHandler:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (*self._defaults, pickled_client(self._client))

    def on_chain_start(
        self,
        serialized: dict[str, Any],
        inputs: dict[str, Any],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: Tags = None,
        metadata: Metadata = None,
        **kwargs: Any,
    ) -> None:
        """A chain, graph, node, prompt or parser began."""
        try:
            if not self.hears_graphs and GRAPH_CALLBACKS in sys.modules:
                hear_graphs(self)
            start = Start(
                now_ns(), run_id, parent_run_id, tags, metadata, kwargs, name_of(kwargs, serialized)
            )
            self._starts.chain(start, inputs)
        except Exception as error:  # noqa: BLE001 (a hook never raises)
            hook_failures.swallow(error, self)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """A chain, graph, node, prompt or parser ended."""
        try:
            self._ends.chain(now_ns(), outputs, run_id, kwargs)
        except Exception as error:  # noqa: BLE001 (a hook never raises)
            hook_failures.swallow(error, self)

    @never_raises
    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """A chain, graph or node was left by an exception."""
        self._ends.failed(now_ns(), error, run_id, kwargs)

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: Tags = None,
        metadata: Metadata = None,
        **kwargs: Any,
    ) -> None:
        """A chat model was called."""
        try:
            start = Start(
                now_ns(), run_id, parent_run_id, tags, metadata, kwargs, name_of(kwargs, serialized)
            )
            self._starts.chat_model(start, messages)
        except Exception as error:  # noqa: BLE001 (a hook never raises)
            hook_failures.swallow(error, self)

    @never_raises
    def on_llm_start(
        self,
        serialized: dict[str, Any],
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: Tags = None,
        metadata: Metadata = None,
        **kwargs: Any,
    ) -> None:
        """A completion model was called."""
        start = Start(
            now_ns(), run_id, parent_run_id, tags, metadata, kwargs, name_of(kwargs, serialized)
        )
        self._starts.completion(start, prompts)

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """A chunk of an answer arrived; the first one tells how long it took."""
        try:
            heard = self._starts.chunks.get(run_id.int)
            if heard is None:
                return
            if not heard:
                self._ends.first_chunk(now_ns(), run_id)
            heard.append(token if isinstance(token, str) else "")
            count = len(heard)
            if count % CHUNKS_IN_A_ROW == 0:
                self._ends.heard_so_far(now_ns(), run_id, heard)
            if count > _MOST_CHUNKS:
                heard[:] = ["".join(heard)]
        except Exception as error:  # noqa: BLE001 (a hook never raises)
            hook_failures.swallow(error, self)

    def on_stream_event(self, event: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """An event of `stream_events(version="v3")`; its first one is the first chunk."""
        self.on_llm_new_token("", run_id=run_id)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """A model answered."""
        try:
            self._starts.chunks.pop(run_id.int, None)
            self._ends.model(now_ns(), response, run_id)
        except Exception as error:  # noqa: BLE001 (a hook never raises)
            hook_failures.swallow(error, self)

    @never_raises
    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """A model failed, or its stream was left early; what it said so far is kept."""
        self._starts.chunks.pop(run_id.int, None)
        self._ends.model_failed(now_ns(), error, run_id, kwargs.get("response"))

    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: Tags = None,
        metadata: Metadata = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A tool was called."""
        try:
            given = input_str if inputs is None else inputs
            start = Start(
                now_ns(), run_id, parent_run_id, tags, metadata, kwargs, name_of(kwargs, serialized)
            )
            self._starts.tool(start, given)
        except Exception as error:  # noqa: BLE001 (a hook never raises)
            hook_failures.swallow(error, self)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """A tool returned."""
        try:
            self._ends.tool(now_ns(), output, run_id)
        except Exception as error:  # noqa: BLE001 (a hook never raises)
            hook_failures.swallow(error, self)

    @never_raises
    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """A tool raised."""
        self._ends.failed(now_ns(), error, run_id, kwargs)

    @never_raises
    def on_retriever_start(
        self,
        serialized: dict[str, Any],
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: Tags = None,
        metadata: Metadata = None,
        **kwargs: Any,
    ) -> None:
        """A retriever was asked."""
        start = Start(
            now_ns(), run_id, parent_run_id, tags, metadata, kwargs, name_of(kwargs, serialized)
        )
        self._starts.retriever(start, query)

    @never_raises
    def on_retriever_end(
        self, documents: Sequence[Document], *, run_id: UUID, **kwargs: Any
    ) -> None:
        """A retriever found documents."""
        self._ends.retriever(now_ns(), documents, run_id)

    @never_raises
    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """A retriever failed."""
        self._ends.failed(now_ns(), error, run_id, kwargs)

    @never_raises
    def on_interrupt(self, event: Any) -> None:
        """A graph paused; LangGraph tells so those that it was given explicitly."""
        self._ends.paused(event)

    @never_raises
    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """The application dispatched an event of its own."""
        metadata = data if is_mapping(data) else {"data": data}
        self._ends.custom_event(now_ns(), name, dict(metadata), run_id)


def _restored(
    thread_id: str | None, user_id: str | None, client: bytes | None
) -> ThreadlineCallbackHandler:
    """A handler that was pickled records by a client like its own, or by the default one."""
    return ThreadlineCallbackHandler(unpickled_client(client), thread_id=thread_id, user_id=user_id)
