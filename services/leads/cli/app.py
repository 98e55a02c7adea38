"""bolchaal leads list | show | replay | export | test, and bolchaal events, from a terminal.

Needs REDIS_URL (from the environment or .env); `test` needs N8N_BASE_URL instead.
"""

import typer

from services.leads.cli import deliveries
from services.leads.cli.events import events
from services.leads.cli.export import export
from services.leads.cli.sample_lead import test

app = typer.Typer(name="bolchaal", no_args_is_help=True, add_completion=False)
leads = typer.Typer(no_args_is_help=True, help="Leads and their way to N8N.")
app.add_typer(leads, name="leads")
app.add_typer(events, name="events")

leads.command("list")(deliveries.list_)
leads.command()(deliveries.show)
leads.command()(deliveries.replay)
leads.command()(export)
leads.command()(test)


@app.callback()
def _bolchaal() -> None:
    """Bolchaal from a terminal."""
