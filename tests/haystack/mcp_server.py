"""A server of the Model Context Protocol with one tool, on standard input and output."""

from mcp.server import MCPServer

server = MCPServer("weather")


@server.tool()
def forecast(city: str) -> str:
    """Say what the weather is like in a city."""
    if city == "Atlantis":
        message = "no such place"
        raise ValueError(message)
    return f"rain in {city}"


if __name__ == "__main__":
    server.run("stdio")
