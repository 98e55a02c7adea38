"""python -m services.leads.cli"""

from services.leads.cli.app import app

app(prog_name="bolchaal")
