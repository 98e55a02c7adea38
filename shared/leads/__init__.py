"""Leads: changes as they are said, merged into one lead with a revision."""

from shared.leads.model import Lead as Lead, LeadChange as LeadChange, LeadContext as LeadContext
from shared.leads.repository import Leads as Leads, Merged as Merged
