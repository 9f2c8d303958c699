"""What the scripts that measure a function share: a stub of the Lambda Runtime API, a function that runs against it, and
its processor time. Linux only; standard library only.
"""

import http.server
import os
import pathlib
import queue
import subprocess
import tempfile
import threading
import time

from functions import Failed

PATIENCE_S = 30


def processor_time_ns(pid):
    """Processor time of a process, its ended threads included: Linux's CPU clock of a process id."""
    return time.clock_gettime_ns((~pid << 3) | 2)


class Server(http.server.ThreadingHTTPServer):
    """An HTTP server on a free port of this machine, in a thread of its own."""

    daemon_threads = True

    def __init__(self, handler, tls=None):
        super().__init__(("127.0.0.1", 0), handler)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A connection that ends with the function is no fault."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One packet an answer, at once: else each waits for a delayed acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = -1

    def body(self):
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def answer(self, status, body, headers=()):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class RuntimeApi(Server):
    """The Lambda Runtime API. `heard` tells what the function did, `events` holds what it gets next."""

    def __init__(self):
        self.heard = queue.Queue()
        self.events = queue.Queue()
        super().__init__(RuntimeApiHandler)


class RuntimeApiHandler(Handler):
    def do_GET(self):
        self.server.heard.put(("next", b""))
        number, event = self.server.events.get()
        self.answer(200, event, [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", f"00000000-0000-0000-0000-{number:012}"),
            ("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + PATIENCE_S * 1000)),
            ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:measured"),
        ])

    def do_POST(self):
        # Told before it is answered, or the function's next request could be heard first.
        self.server.heard.put((self.path.rsplit("/", 1)[-1], self.body()))
        self.answer(202, b"{}", [("Content-Type", "application/json")])


class Start:
    """One start of the function."""

    def __init__(self, binary, environment):
        self.api = RuntimeApi()
        self.output = tempfile.TemporaryFile()
        environment = environment | {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.api.server_port}"}
        self.process = subprocess.Popen([binary], env=environment, stdin=subprocess.DEVNULL,
                                        stdout=self.output, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.api.shutdown()
        self.api.server_close()
        self.output.close()

    def fail(self, what):
        self.output.seek(0)
        said = self.output.read().decode(errors="replace")[-4000:]
        raise Failed(f"{what}\nwhat the function wrote:\n{said}")

    def hear(self, expected):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                what, body = self.api.heard.get(timeout=0.1)
            except queue.Empty:
                if self.process.poll() is not None:
                    self.fail(f"the function ended with status {self.process.returncode}")
                continue
            if what != expected:
                self.fail(f"the function answered with {what}: {body.decode(errors='replace')}")
            return body
        self.fail(f"the function did not come to its {expected} in {PATIENCE_S} s")

    def wait_until_idle(self):
        """Waits until the function asks for an event. Returns the processor time it has taken by then."""
        self.hear("next")
        return processor_time_ns(self.process.pid)

    def call(self, number, event):
        """The function's answer to an event."""
        self.api.events.put((number, event))
        return self.hear("response")

    def peak_memory_kb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def lambda_environment(endpoint, bundle, extra):
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_NAME": "measured",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_GROUP_NAME": "measured",
        "AWS_LAMBDA_LOG_LEVEL": "INFO",
        "AWS_LAMBDA_LOG_STREAM_NAME": "measured",
        "AWS_REGION": "us-east-1",
        "PATH": os.environ.get("PATH", ""),
    }
    if bundle:
        environment["SSL_CERT_FILE"] = str(bundle)
    return environment | dict(extra)
