"""What the language model can do beside talking. A tool is one module here with a `TOOL`: its
arguments, what the model is told of it, and what it does; nothing else lists them.
"""
