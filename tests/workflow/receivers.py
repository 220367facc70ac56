"""Webhook receivers: real HTTP servers that are down, slow, angry or well, as a test says."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class WebhookReceiver:
    """A receiver on a port of its own. It answers with the statuses of `script` in turn, then with 204.

    A status that is a callable is called first, so that a test can hold an answer back or do something meanwhile.
    """

    def __init__(self):
        self.got, self.script, self._port = [], [], 0
        self._http = None

    def open(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append((dict(self.headers), body))
                answer = receiver.script.pop(0) if receiver.script else 204
                status = answer() if callable(answer) else answer
                self.send_response(status)
                if status == 302:
                    self.send_header("location", f"{receiver.url}/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._http.daemon_threads = True
        self._port = self._http.server_port
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}/hook"

    @property
    def ids(self):
        return [headers["webhook-id"] for headers, _ in self.got]

    def close(self):
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None
