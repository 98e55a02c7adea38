"""The scripted LLM: a stand-in for a language model on OpenAI's wire protocol."""

from services.sandbox.llm.server import LlmStandIn

__all__ = ["LlmStandIn"]
