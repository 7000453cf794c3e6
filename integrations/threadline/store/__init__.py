"""The store: journal, SQLite file, reader. The only place that speaks SQL."""

import sqlite3
from typing import Final

SQLITE_VERSION: Final = sqlite3.sqlite_version
