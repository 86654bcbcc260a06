"""The live path: the database announces a change, one listener hears it, one hub renders it once,
and every socket that shows the row is sent it.

What a socket and its page say to each other:

- The page joins with `{"ids": [...]}`, the jobs that it shows besides the one that the address of
  its socket names (at most `MAX_SHOWN`), and is sent all as it is now. It joins again when it
  shows others, or goes on after a pause.
- The server sends a frame: HTML for htmx out-of-band swaps, or a bare `BEAT` now and then. A frame
  that begins with `CHANGED` says that what lies behind the page's filter (membership, order,
  filtered counts) may have changed; the page asks its ordinary view again.
- The page answers each frame with `{"seen": true}`. Until then it is sent nothing; what changes
  meanwhile waits, only the newest of each row, so a slow or paused page never builds up a queue.
"""

MAX_SHOWN = 200
BEAT = "<!--beat-->"
CHANGED = "<!--changed-->"

# Why the server closed a socket. WebSocket leaves 3000-4999 to applications. A page connects again
# whatever the code; these say what to tell its user meanwhile.
RESTARTING = 4012
UNAVAILABLE = 4013
BAD_MESSAGE = 4400
NOT_SIGNED_IN = 4401
FORBIDDEN = 4403
UNKNOWN_VIEW = 4404
