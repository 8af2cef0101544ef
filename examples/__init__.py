"""
The systems of the documents that people start from, each as a small app of its own. See README.md beside this.

Run one with `manage.py example <name>`, all of them with `manage.py example all`. What is in this folder itself only
serves that; to learn, or to copy, read the folder of an example: routing.py first, then consumers.py. (`models` is one
of the examples: this app has no models.)
"""
