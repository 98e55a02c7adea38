"""A worker that greets and dies at the first text."""

import sys

if __name__ == "__main__":
    print('{"rate": 22050}', flush=True)
    sys.stdin.readline()
