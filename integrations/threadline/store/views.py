"""Views for people with another SQLite tool: words for numbers, texts for ids and times.

Their columns are a promise: `docs/views.md` tells them, a test pins them. What lies on the blob
shelf is put in where it is words of a message or a tool's answer; inside other values a reference
`{"$blob": digest}` stays. The SQL is plain enough for SQLite 3.31 and short, since every store
holds it; `AS` stands where DuckDB's parser needs it. A view is changed by a migration that drops
it and makes it anew.
"""

from __future__ import annotations

import re
from typing import Final

_STATUSES: Final = "ok error stopped cancelled interrupted abandoned running"
_SPAN_KINDS: Final = "workflow agent llm tool retriever embedding step"


def _word(code: str, words: str) -> str:
    """Return the word that a number stands for."""
    listed = '","'.join(words.split())
    return f"""json_extract('["{listed}"]','$['||{code}||']')"""


def _time(nanoseconds: str) -> str:
    return f"strftime('%Y-%m-%dT%H:%M:%fZ',({nanoseconds})/1e9,'unixepoch')"


def _kept(value: str, conversation: str) -> str:
    """Return what a reference to the blob shelf stands for, as text; NULL if it is none."""
    return (
        f"(SELECT CAST(b.data AS TEXT) FROM blob b WHERE b.conversation={conversation}"
        f""" AND hex(b.digest)=upper(json_extract({value},'$."$blob"')))"""
    )


_TURNS: Final = f"""
SELECT t.id turn, t.conversation, CASE typeof(t.turn_id) WHEN 'blob' THEN
 (SELECT lower(substr(h,1,8)||'-'||substr(h,9,4)||'-'||substr(h,13,4)||'-'||substr(h,17,4)||'-'||
 substr(h,21)) FROM (SELECT hex(t.turn_id) h)) ELSE t.turn_id END turn_id,
 c.thread_id, c.tenant, CASE t.kind WHEN 0 THEN 'turn' ELSE 'trace' END kind,
 CASE WHEN t.status=6 AND coalesce(p.beat_ns/1000000000,0)<strftime('%s','now')-60
 THEN 'abandoned' ELSE {_word("t.status", _STATUSES)} END status,
 t.name, t.user_id, t.tags, t.metadata,
 json_extract(t.error,'$[0]') error_type, json_extract(t.error,'$[1]') error_message,
 {_time("t.started_ns")} started_at, {_time("t.ended_ns")} ended_at,
 (t.ended_ns-t.started_ns)/1e6 duration_ms, p.app, p.environment, p.release,
 t.started_ns, t.first_position
FROM turn t JOIN conversation c ON c.id=t.conversation LEFT JOIN process p ON p.id=t.process
"""

_CONVERSATIONS: Final = f"""
SELECT c.id conversation, c.thread_id, c.tenant,
 CASE c.generated WHEN 0 THEN 'application' ELSE 'generated' END id_source,
 c.user_id, c.title, c.tags, c.metadata,
 {_time("c.created_ns")} created_at, {_time("c.updated_ns")} updated_at,
 c.turns turn_count, c.said message_count, c.preview
FROM conversation c
"""

_MESSAGES: Final = f"""
SELECT m.id message, m.id>>24 conversation, m.id&16777215 AS position, m.turn,
 coalesce((SELECT v.turn_id||':'||((m.id&16777215)-coalesce(v.first_position,0))
 FROM turns v WHERE v.turn=m.turn), c.thread_id||':p'||(m.id&16777215)) message_id,
 (SELECT v.turn_id FROM turns v WHERE v.turn=m.turn) turn_id, c.thread_id,
 {_word("m.kind", "said prelude context")} kind,
 CASE m.role WHEN 0 THEN 'system' WHEN 1 THEN 'user' WHEN 2 THEN 'assistant' WHEN 3 THEN 'tool'
 ELSE m.role END AS role, m.name, coalesce(m.text,(SELECT group_concat(CASE f.type
 WHEN 'object' THEN coalesce({_kept("f.value", "m.id>>24")},f.value) ELSE f.value END,'')
 FROM json_each(m.parts) p, json_each(p.value) f WHERE f.key=
 CASE json_extract(p.value,'$.type') WHEN 'text' THEN 'content'
 WHEN 'tool_call_response' THEN 'response' END),'') AS text,
 m.parts, {_time("m.at_ns")} AS at, coalesce(m.partial,0) AS partial, m.metadata
FROM message m JOIN conversation c ON c.id=m.id>>24
"""

_SPANS: Final = f"""
SELECT t.turn_id||'.'||s.n span_id, t.turn_id||'.'||s.parent parent_id, s.turn, t.turn_id,
 t.thread_id, {_word("s.kind", _SPAN_KINDS)} kind, coalesce(s.name,t.name,'') AS name,
 CASE s.status WHEN 6 THEN t.status ELSE {_word("s.status", _STATUSES)} END status,
 {_time("t.started_ns+s.started")} started_at, {_time("t.started_ns+s.ended")} ended_at,
 (s.ended-s.started)/1e6 duration_ms, (s.first_chunk-s.started)/1e6 first_chunk_ms,
 s.model, s.provider, s.input_tokens, s.output_tokens, s.cache_read_tokens, s.cache_write_tokens,
 s.reasoning_tokens, s.finish_reason, json_extract(s.detail,'$.error[0]') error_type,
 json_extract(s.detail,'$.error[1]') error_message, s.input, s.output
FROM span s JOIN turns t ON t.turn=s.turn
"""

_TOOL_OBSERVATIONS: Final = f"""
SELECT t.turn_id||'.t'||o.n observation_id, o.turn, t.turn_id, t.thread_id, o.name, o.outcome,
 o.call_id, coalesce(o.arguments,(SELECT json_extract(p.value,'$.arguments')
 FROM message m, json_each(m.parts) p WHERE m.id=(t.conversation<<24)+o.call_at
 AND coalesce(json_extract(p.value,'$.id'),json_extract(p.value,'$.name'))
 =coalesce(o.call_id,o.name))) arguments,
 coalesce({_kept("o.result", "t.conversation")}, json_extract(o.result,'$'),
 (SELECT m.text FROM messages m WHERE m.message=(t.conversation<<24)+o.result_at)) result,
 json_extract(o.error,'$[0]') error_type, json_extract(o.error,'$[1]') error_message,
 {_time("t.started_ns+o.started")} started_at, {_time("t.started_ns+o.ended")} ended_at,
 (o.ended-o.started)/1e6 duration_ms
FROM tool_observation o JOIN turns t ON t.turn=o.turn
"""


def _rated(key: str) -> str:
    return f"json_extract(n.record,'$.{key}') AS {key}"


_RATINGS: Final = f"""
SELECT json_extract(n.record,'$.id') rating_id, c.thread_id, {_rated("turn_id")},
 {_rated("message_id")}, {_rated("span_id")},
 coalesce(json_extract(n.record,'$.name'),'rating') AS name, n.value, {_rated("label")},
 {_rated("comment")}, coalesce(json_extract(n.record,'$.source'),'user') AS source,
 {_rated("user_id")}, {_time("n.at_ns")} AS at
FROM note n LEFT JOIN conversation c ON c.id=n.conversation WHERE n.kind='rating'
"""

_QUERIES: Final = {
    "conversations": _CONVERSATIONS,
    "turns": _TURNS,
    "messages": _MESSAGES,
    "spans": _SPANS,
    "tool_observations": _TOOL_OBSERVATIONS,
    "ratings": _RATINGS,
}


def _short(sql: str) -> str:
    """Leave out what SQLite does not need to read it again."""
    return re.sub(r"\s+", " ", sql).strip().replace(", ", ",").replace(") ", ")")


VIEWS: Final = tuple(f"CREATE VIEW {name} AS {_short(query)}" for name, query in _QUERIES.items())
"""The statements that make them."""
