"""Twisted's reactor. It is an object, but Twisted's types say that it is a module with the methods of a class."""

from typing import Any

from twisted.internet import reactor as the_reactor

reactor: Any = the_reactor
