"""Leads: changes as they are said, merged into one lead with a revision."""

from shared.leads.repository import Leads, Merged
from shared.leads.model import Lead, LeadChange, LeadContext

__all__ = ["Lead", "LeadChange", "LeadContext", "Leads", "Merged"]
