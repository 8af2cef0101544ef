"""
What can go wrong for a client: the table of error codes, and the close codes.

`docs/protocol.md` lists the same codes; a test compares. A close code from 4000 to 4499 means: come back, resuming;
from 4500 to 4999: don't, the `error` frame before it says why.
"""

#: Error code → what the person at the other end reads.
ERRORS = {
    "empty_message": "The message is empty.",
    "message_too_long": "The message is too long: at most 4,000 characters.",
    "invalid_text": "Text must not contain NUL characters or broken Unicode.",
    "unstorable_text": "This server's database can't store some of these characters. Its administrator can mend that.",
    "invalid_json": "The frame begins like a JSON object, but is none.",
    "invalid_message": "`message` must be text.",
    "invalid_client_id": "`client_id` must be text of 1 to 64 characters.",
    "invalid_history": "`before`, `since` and `limit` must be whole numbers, and either `before` or `since` is needed.",
    "invalid_notifications": "`skip` must be a whole number, `ids` a list of at most 500, `object` text.",
    "account_needed": "That is for those who are logged in.",
    "unknown_type": "Frames of this type are not known here.",
    "binary_frame": "Binary frames are not understood; send text.",
    "rate_limited": "Too many messages; this one is not stored yet.",
    "invalid_name": "A name has 1 to 40 characters on one line, and not only invisible ones.",
    "name_taken": "This name, or one that looks the same, is taken or reserved. Choose another.",
    "name_fixed": "You are logged in, so your name is that of your account.",
    "invalid_room": "A room's name consists of 1 to 64 letters (a to z), digits, hyphens and underscores.",
    "no_such_room": "There is no such room.",
    "room_needs_account": "There is no such room, and guests can't open one here. Log in or sign up to open it.",
    "room_name_taken": "There is a room whose name looks the same. Choose another name.",
    "too_many_rooms": "You have opened too many rooms today (CHAT_ROOMS_PER_USER). Enter one that exists, or wait.",
    "no_entry": "This room is for others. That of your letter you get by asking for `letters`.",
    "guests_not_allowed": "Guests are not allowed here. Log in first.",
    "session_invalid": "This session_key belongs to no one who is logged in.",
    "session_key_off": "Logins by session_key are off here (CHAT_SESSION_KEY_LOGINS). Bring a ticket from /api/ticket.",
    "ticket_invalid": "This ticket is too old, used, or for another room. Come back with another from /api/ticket.",
    "too_many_tries": "Too many tries. Wait as long as it says, then try again.",
    "token_invalid": "This token is not one of ours, or was revoked. Get another from /api/token.",
    "token_expired": "This token has ended. Get another from /api/token/refresh, and come back with it.",
    "wrong_user": "This token is somebody else's. Open another connection with it.",
    "wrong_credentials": "No active account has this name and password.",
    "auth_needed": 'Say who you are first: send {"type": "auth", "token": …}.',
    "no_room": "This connection is in no room.",
    "invalid_since": "`since` must be a whole number.",
    "invalid_query": "The query string can't be read.",
    "not_joined": "The server does not know this connection any more. Connect again.",
    "logged_out": "You have been logged out.",
}

#: Error code → close code, for the errors that end the connection.
CLOSE_CODES = {
    "not_joined": 4001,
    "logged_out": 4401,
    "token_expired": 4402,
    "ticket_invalid": 4403,
    "too_many_tries": 4429,
    "invalid_room": 4500,
    "no_such_room": 4504,
    "guests_not_allowed": 4503,
    "room_needs_account": 4513,
    "too_many_rooms": 4514,
    "room_name_taken": 4515,
    "session_invalid": 4501,
    "session_key_off": 4509,
    "invalid_since": 4502,
    "invalid_query": 4505,
    "token_invalid": 4506,
    "no_entry": 4508,
    "auth_needed": 4507,
}


class ClientError(Exception):
    """
    Raised when a client asks for what can't be done. It becomes an `error` frame, or the body of an HTTP error.

    `code` is one of ERRORS; `client_id` names the message it is about; `retry_after` (seconds) says that the same
    message will be taken later.
    """

    def __init__(self, code: str, client_id: str | None = None, retry_after: float | None = None):
        super().__init__("%s (%s)" % (ERRORS[code], code))
        self.code = code
        self.text = ERRORS[code]
        self.client_id = client_id
        self.retry_after = retry_after

    @property
    def whole_seconds(self) -> int:
        """`retry_after` for who reads whole seconds, as in Retry-After: whoever obeys it is not told to wait again."""
        # Rounded up; without `math`, for this module imports nothing.
        return max(1, -int(-(self.retry_after or 0) // 1))

    def about(self, client_id: str | None) -> "ClientError":
        """This error, naming the message it is about unless it names one already."""
        self.client_id = self.client_id or client_id
        return self

    @property
    def close_code(self) -> int | None:
        """The code to close the connection with, or None: it stays open."""
        return CLOSE_CODES.get(self.code)
