"""The program against other people's servers: see real-peers.sh, which calls this with its path and gunicorn's."""

import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE / "lib"), str(HERE / "peers")]

import dead_ends  # noqa: E402
import httpbin  # noqa: E402
import nginx_site  # noqa: E402
import openssl_server  # noqa: E402
import proxies  # noqa: E402
from certificates import CA, LEAF, Maker  # noqa: E402
from stage import Stage  # noqa: E402


def main(miniwire, gunicorn):
    with Stage(miniwire) as stage:
        maker = Maker(stage.directory / "certificates")
        stage.root = maker.make("root", extensions=CA)
        stage.leaf = maker.make("leaf", stage.root, (*LEAF, "subjectAltName=DNS:localhost,IP:127.0.0.1"))
        stage.trust = "--ca", stage.root.certificate
        httpbin.cases(stage, pathlib.Path(gunicorn).absolute())
        site = nginx_site.cases(stage)
        proxies.cases(stage, site)
        openssl_server.cases(stage)
        dead_ends.cases(stage, site)
        return stage.finish()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
