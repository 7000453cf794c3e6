"""The tables, as numbered migrations: forward only, and only adding within a major version."""

from __future__ import annotations

from typing import Final

from threadline.store.views import VIEWS

POSITION_BITS: Final = 24
"""A message's row id is its conversation's id, shifted by this, plus its position there."""

ROLES: Final = ("system", "user", "assistant", "tool")
KINDS: Final = ("said", "prelude", "context")
SPAN_KINDS: Final = ("workflow", "agent", "llm", "tool", "retriever", "embedding", "step")
STATUSES: Final = (
    "ok",
    "error",
    "stopped",
    "cancelled",
    "interrupted",
    "abandoned",
    "running",
)
TURN_KINDS: Final = ("turn", "trace")

_VERSION_1: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- one row for each process that wrote here; a running turn whose process has no fresh beat is gone
CREATE TABLE process (
  id INTEGER PRIMARY KEY,
  writer BLOB NOT NULL,
  pid INTEGER NOT NULL,
  host TEXT NOT NULL,
  app TEXT, environment TEXT, release TEXT,
  started_ns INTEGER NOT NULL,
  beat_ns INTEGER NOT NULL
);

CREATE TABLE conversation (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL DEFAULT '',
  thread_id TEXT NOT NULL,
  generated INTEGER NOT NULL DEFAULT 0,
  user_id TEXT, title TEXT, tags TEXT, metadata TEXT,
  created_ns INTEGER NOT NULL,
  updated_ns INTEGER NOT NULL,
  next_position INTEGER NOT NULL DEFAULT 0,
  turns INTEGER NOT NULL DEFAULT 0,
  said INTEGER NOT NULL DEFAULT 0,
  preview TEXT,
  last_status INTEGER,
  UNIQUE (tenant, thread_id)
);
CREATE INDEX conversation_updated ON conversation (tenant, updated_ns);

-- id = conversation * 2^24 + position; kind: 0 said, 1 prelude, 2 context
-- role: 0 system, 1 user, 2 assistant, 3 tool, or its name
-- body: text, where the message is one plain text; else parts, a JSON array
CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  turn INTEGER,
  kind INTEGER NOT NULL,
  role NOT NULL,
  name TEXT,
  text TEXT,
  parts TEXT,
  digest BLOB NOT NULL,
  framework_id,
  at_ns INTEGER,
  partial INTEGER,
  metadata TEXT
);
CREATE INDEX message_framework_id ON message (framework_id)
  WHERE role = 2 AND kind = 0 AND framework_id IS NOT NULL;

-- turn_id: 16 bytes where it is a UUID; kind: 0 turn, 1 trace
CREATE TABLE turn (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  turn_id NOT NULL UNIQUE,
  conversation INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  status INTEGER NOT NULL,
  started_ns INTEGER NOT NULL,
  ended_ns INTEGER,
  first_position INTEGER,
  process INTEGER,
  name TEXT, user_id TEXT, tags TEXT, metadata TEXT, error TEXT, continues
);
CREATE INDEX turn_conversation ON turn (conversation);
CREATE INDEX turn_started ON turn (started_ns);

-- n numbers the spans of a turn, parent is the parent's n; times are relative to the turn's start
-- input and output: positions of messages in the conversation, as ranges ("4,0-3,7")
-- run_id: the framework's id of the run; none where it is the turn's own, empty where the id of
-- the answer names it
-- request: digest of the blob with model parameters and tool definitions
CREATE TABLE span (
  turn INTEGER NOT NULL,
  n INTEGER NOT NULL,
  parent INTEGER,
  kind INTEGER NOT NULL,
  status INTEGER NOT NULL,
  name TEXT,
  started INTEGER NOT NULL,
  ended INTEGER,
  first_chunk INTEGER,
  run_id BLOB,
  model TEXT, provider TEXT,
  input TEXT, output TEXT, request BLOB,
  input_tokens INTEGER, output_tokens INTEGER,
  cache_read_tokens INTEGER, cache_write_tokens INTEGER, reasoning_tokens INTEGER,
  finish_reason TEXT,
  detail TEXT,
  PRIMARY KEY (turn, n)
) WITHOUT ROWID;

-- arguments and result are left out where the messages named by call_at and result_at hold them
CREATE TABLE tool_observation (
  turn INTEGER NOT NULL,
  n INTEGER NOT NULL,
  name TEXT NOT NULL,
  outcome TEXT NOT NULL,
  call_id TEXT,
  call_at INTEGER,
  result_at INTEGER,
  arguments TEXT, result TEXT, error TEXT,
  started INTEGER, ended INTEGER,
  spans TEXT,
  PRIMARY KEY (turn, n)
) WITHOUT ROWID;
CREATE INDEX tool_observation_name ON tool_observation (name, turn);

-- large values, once; conversation 0 holds what no user said (parameters, tool definitions)
CREATE TABLE blob (
  conversation INTEGER NOT NULL,
  digest BLOB NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (conversation, digest)
) WITHOUT ROWID;

-- ratings, feedback, events; record is the whole of it as JSON
CREATE TABLE note (
  id BLOB PRIMARY KEY,
  kind TEXT NOT NULL,
  conversation INTEGER,
  turn_id,
  at_ns INTEGER NOT NULL,
  value REAL,
  record TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX note_about ON note (conversation, turn_id);

-- what a destination has not acknowledged yet, written with the record itself
CREATE TABLE outbox (
  destination TEXT NOT NULL,
  kind TEXT NOT NULL,
  record_id NOT NULL,
  conversation INTEGER,
  state INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_ns INTEGER NOT NULL DEFAULT 0,
  reason TEXT,
  PRIMARY KEY (destination, kind, record_id)
) WITHOUT ROWID;

-- what was deleted, as keyed hashes, so that a journal or a replay does not bring it back
CREATE TABLE tombstone (
  hash BLOB PRIMARY KEY,
  at_ns INTEGER NOT NULL
) WITHOUT ROWID;
"""


def _statements(script: str) -> tuple[str, ...]:
    """Split a script, without its comments: they stand here, not in every store."""
    lines = [line.strip() for line in script.splitlines() if not line.startswith("--")]
    return tuple(s.strip() for s in " ".join(lines).split(";") if s.strip())


_VERSION_2: Final = """
-- what a human decided about the call, as JSON
ALTER TABLE tool_observation ADD COLUMN decision TEXT;

-- the position of the message behind which the turn branches off; -1 where it begins anew
ALTER TABLE turn ADD COLUMN branch_at INTEGER;
"""

_VERSION_4: Final = """
-- when the last try began of which nobody knows what came; 0 where that is known
ALTER TABLE outbox ADD COLUMN tried_ns INTEGER NOT NULL DEFAULT 0;

-- the span of OpenTelemetry that the turn began in, as a traceparent
ALTER TABLE turn ADD COLUMN request_span TEXT;

-- what a destination gave back for a record, or with an empty id for a conversation, as JSON
CREATE TABLE receipt (
  destination TEXT NOT NULL,
  conversation INTEGER NOT NULL,
  record_id NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (conversation, destination, record_id)
) WITHOUT ROWID;
"""

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    _statements(_VERSION_1),
    _statements(_VERSION_2),
    VIEWS,
    _statements(_VERSION_4),
)
SCHEMA_VERSION: Final = len(MIGRATIONS)

_BEFORE_4: Final = (
    "CREATE TEMP VIEW outbox AS SELECT *, 0 AS tried_ns FROM main.outbox",
    """CREATE TEMP VIEW receipt AS
    SELECT '' AS destination, 0 AS conversation, '' AS record_id, '' AS data WHERE 0""",
)
_TURN_BEFORE_4: Final = "CREATE TEMP VIEW turn AS SELECT *, NULL AS request_span FROM main.turn"

AS_IF_NEW: Final[dict[int, tuple[str, ...]]] = {
    1: (
        """CREATE TEMP VIEW turn AS
        SELECT *, NULL AS branch_at, NULL AS request_span FROM main.turn""",
        """CREATE TEMP VIEW tool_observation AS
        SELECT *, NULL AS decision FROM main.tool_observation""",
        *_BEFORE_4,
    ),
    2: (_TURN_BEFORE_4, *_BEFORE_4),
    3: (_TURN_BEFORE_4, *_BEFORE_4),
}
"""What makes a store of an older version readable as it is, for who may only read."""

SEARCH_INDEX: Final = """
CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5(
  words, content='', columnsize=0, detail=none, tokenize="unicode61 remove_diacritics 2"
)
"""


def code_of(word: str, words: tuple[str, ...]) -> int | str:
    """Return the number that stands for `word`, or the word itself where there is none."""
    try:
        return words.index(word)
    except ValueError:
        return word


def word_of(code: object, words: tuple[str, ...]) -> str:
    """Return the word that `code` stands for."""
    return words[code] if isinstance(code, int) and code < len(words) else str(code)
