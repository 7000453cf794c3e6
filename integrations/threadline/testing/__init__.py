"""For tests of applications that are recorded: a pytest plugin with the fixture it brings.

Importing this package imports nothing else; pytest loads it in every run.
"""
