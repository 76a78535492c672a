"""Readers of forms that Python has: its own email package, multipart, python-multipart.

POST /email, /multipart, /python-multipart: a JSON list of the parts, in their order.
"""

import email
import email.message
import hashlib
import http.server
import io
import json
import sys

import multipart
import python_multipart


def part(name, filename, content_type, data):
    return {
        "name": name,
        "filename": filename,
        "type": content_type,
        "length": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def by_email(content_type, body):
    message = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    parts = []
    for found in message.get_payload():
        head = email.message.Message()
        for name, value in found.raw_items():
            # Mail is ASCII; forms are UTF-8.
            head[name] = value.encode("ascii", "surrogateescape").decode()
        name, filename = (head.get_param(which, header="content-disposition") for which in ("name", "filename"))
        parts.append(part(name, filename, head["content-type"], found.get_payload(decode=True)))
    return parts


def by_multipart(content_type, body):
    _, options = multipart.parse_options_header(content_type)
    parser = multipart.MultipartParser(io.BytesIO(body), options["boundary"], len(body), part_limit=1000)
    return [
        part(found.name, found.filename, found.content_type if found.filename is not None else None, found.raw)
        for found in parser
    ]


def by_python_multipart(content_type, body):
    parts = []

    def on_field(field):
        parts.append(part(text(field.field_name), None, None, field.value or b""))

    def on_file(file):
        file.file_object.seek(0)
        parts.append(part(text(file.field_name), text(file.file_name), text(file.content_type), file.file_object.read()))

    headers = {"Content-Type": content_type.encode(), "Content-Length": str(len(body)).encode()}
    python_multipart.parse_form(headers, io.BytesIO(body), on_field, on_file)
    return parts


def text(value):
    return value.decode() if isinstance(value, bytes) else value


READERS = {"/email": by_email, "/multipart": by_multipart, "/python-multipart": by_python_multipart}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            status, parts = 200, READERS[self.path](self.headers["Content-Type"], body)
        except Exception as error:  # What a reader cannot read is its answer.
            status, parts = 400, [{"error": repr(error)}]
        answer = json.dumps(parts).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
