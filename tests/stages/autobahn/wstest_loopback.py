"""Autobahn's wstest, listening on the loopback interface only; by itself it listens on every one.

`wstest_loopback.py PACKAGES ARGUMENT...`: where pip has installed the suite, and wstest's own arguments. For Python 2.7.
"""

import site
import sys

# Not by PYTHONPATH: that would not read the .pth files, which zope.interface needs.
site.addsitedir(sys.argv.pop(1))

from twisted.internet import reactor  # noqa: E402

listen = reactor.listenTCP


def listen_on_loopback(port, factory, backlog=50, interface=None):
    return listen(port, factory, backlog, "127.0.0.1")


reactor.listenTCP = listen_on_loopback

from autobahntestsuite import wstest  # noqa: E402

sys.argv[0] = "wstest"
wstest.run()
