"""What Threadline costs, beside no handler and a handler that does nothing."""

import os

# Nobody else's tracing and none of our settings, before any framework is imported.
for _name in [n for n in os.environ if n.startswith(("LANGCHAIN_", "LANGSMITH_", "THREADLINE_"))]:
    del os.environ[_name]
