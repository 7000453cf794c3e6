"""Threadline records what LangChain, LangGraph and Haystack applications say."""
