"""Readers of the logs that other tools write, one small file per tool."""
