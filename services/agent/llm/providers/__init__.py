"""Providers of language models. Each is one module here with a `PROVIDER`; nothing else lists them.

Its key becomes a setting (`GROQ_API_KEY`), its name a value of LLM_PROVIDER: after adding one run
`make docs`.
"""
