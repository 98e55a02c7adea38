"""A worker without an engine."""

if __name__ == "__main__":
    print('{"error": "espeak-ng is not installed"}', flush=True)
