"""There are no uploads. Set in FILE_UPLOAD_HANDLERS."""

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler
from django.http.multipartparser import MultiPartParserError

#: Bytes of a multipart form. Browsers send none to us: our forms have no files.
FORM_LIMIT = 64 * 1024


class NoUploads(FileUploadHandler):
    """
    Refuses files, with 400, before anything is kept of them. Django 2.2 takes any number of them from anybody, at any
    view that reads a form (CVE-2023-24580), and decodes them in ways that take long (CVE-2026-33033, CVE-2026-108147).
    """

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, boundary: bytes, encoding: Any = None
    ) -> None:
        if content_length > FORM_LIMIT:
            raise MultiPartParserError("A form of %d bytes in parts; there are no uploads here" % content_length)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        raise MultiPartParserError("A file in a form; there are no uploads here")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Never called."""

    def file_complete(self, file_size: int) -> None:
        """Never called."""
