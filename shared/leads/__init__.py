"""Leads: changes as they are said, merged into one lead with a revision."""

from shared.leads.model import Lead, LeadChange, LeadContext
from shared.leads.repository import Leads, Merged

__all__ = ["Lead", "LeadChange", "LeadContext", "Leads", "Merged"]
