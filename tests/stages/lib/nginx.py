"""nginx with a configuration of the stage's own, in the foreground, its files in the stage's directory."""

import os
import shutil

FRAME = """
{user}
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/nginx-error.log;
events {{ worker_connections 256; }}
http {{
    log_format reuse '$connection_requests $request_method $uri $http_host $status';
    access_log {directory}/access.log reuse;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    default_type application/json;
    lingering_timeout 2s;
    {http}
}}
"""


def start(stage, http, port):
    """Starts nginx with these contents of its `http` block; `port` is one that it listens on."""
    # As root, workers would run as somebody who may not read the stage's directory.
    user = "user root;" if os.geteuid() == 0 else ""
    config = stage.write("nginx.conf", FRAME.format(user=user, directory=stage.directory, http=http))
    stage.start(shutil.which("nginx"), "-p", stage.directory, "-c", config, port=port)


def tls(port, certificate, location='return 200 \'{"peer":"nginx"}\';', options="", host="127.0.0.1", protocols="TLSv1.2 TLSv1.3"):
    """A `server` block with TLS on this port. Left to itself, an nginx before 1.23.4 does not speak TLS 1.3."""
    return f"""
    server {{
        listen {host}:{port} ssl;
        server_name _;
        ssl_certificate {certificate.certificate};
        ssl_certificate_key {certificate.key};
        ssl_session_cache none;
        ssl_protocols {protocols};
        {options}
        location / {{ {location} }}
    }}
"""
