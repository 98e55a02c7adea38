"""A stand-in for N8N with the shipped workflows."""

from services.sandbox.n8n.server import N8nStandIn

__all__ = ["N8nStandIn"]
