"""Wording about machines and networks on the way, and what may be said of anything."""

from __future__ import annotations

EXPIRED = (
    r"(?:deliver|retry|message|envelope|queue|time|mail)\w*[^.;]{0,30}(?:expired|time ?limit|retention)",
    r"\bexpired\b|queue\.expired",
    r"(?:could|can)(?: not|n't) be delivered (?:for|within|in|after)|too (?:old|long) (?:in|on) (?:the )?queue",
    r"delivered for too long|delivery (?:has been )?delayed|not (?:yet )?been (?:delivered|collected)",
    r"(?:attempts|retr\w+)[^.;]{0,30}(?:fail|unsuccess|exhaust|exceed)|failed \d+ attempts",
    r"undelivered (?:for|after)|failing for a long time|hosts have been failing",
    r"(?:for|after)(?: the (?:last|past)| more than| about)? \d+(?:\.\d+)? ?(?:hour|day|minute|h\b|jour|heure|tag"
    r"|stunde)",
    r"will be deleted from queue|giving up|aborted after|delayed|retry timeout",
    r"host not reachable|unable to connect successfully|temporarily deferred|deferred:",
    r"will (?:be retried|keep trying)|still (?:being )?(?:retried|queued|undelivered)",
)  # fmt: skip

NO_ROOM = (
    r"(?:insufficient|not enough|out of|no)[^.;]{0,20}(?:system|disk|server)[^.;]{0,12}(?:space|storage|resource)",
    r"no space left|file system full",
    r"(?:system|disk|spool) (?:is )?full|insufficient (?:system )?(?:resources|storage)|low on (?:disk|space)",
)  # fmt: skip

NETWORK = (
    r"connection (?:refused|timed out|time-?out|reset|lost|closed|dropped|died|fail|abort|broken|terminated)",
    r"(?:network|host|server|domain) (?:is )?(?:unreachable|not (?:reach|respond)|down)",
    r"no route to host|could(?: not|n't) connect",
    r"(?:can't|cannot|unable to|wasn't able to|couldn't|failed to|error) (?:to )?(?:connect|establish|reach"
    r"|contact|open (?:a )?connection)",
    r"initiate smtp|requests to connect|socket error",
    r"timed out|time-?out|(?:mail|dns|forwarding|routing) ?loop|hop ?count|too many (?:hops|received)",
    r"loops? back|routing error|name server (?:fail|error|time)|dns (?:fail|error|server|problem)",
    r"temporary (?:failure|lookup|dns|name)|mx (?:lookup|loopback)|name service error|unreachable",
    r"lost connection|establish an smtp|network (?:error|problem)|bad connection",
    r"service (?:is )?(?:currently )?(?:not available|unavailable)",
    r"lookup fail|try again\b",
)  # fmt: skip

MAILER = (
    r"mailer (?:error|died|fail)",
    r"(?:command|process|program|pipe|script|procmail|child|local delivery)[^.;]{0,40}(?:fail|died|exit|terminated"
    r"|crash|error|status)",
    r"exit (?:code|status)|procmail|\|ifs=|exec /|pipe to|deliver\w* to (?:pipe|command)",
)  # fmt: skip

SYSTEM = (
    r"(?:local|system|internal|server|configuration|software|processing|database|i/o|unexpected) (?:\w+ )?(?:error"
    r"|problem|fail\w*)",
    r"misconfig|ambiguous|violates rfc|resolver\.adr",
    r"(?:can't|cannot|unable to) (?:open|create|write|lock|update|append|chdir|run|process|accept)",
    r"delivery to file forbidden|requested action aborted|technical (?:difficult|problem)",
    r"temporarily (?:unavailable|unable|reject)|too busy|forward(?:ing)? (?:loop|path)|mail list expansion",
    r"out of memory|no such file|try (?:again )?later|sorry, too many clients",
)  # fmt: skip

FILTERED = (
    r"recipient'?s? (?:preferences|refus|reject|does not (?:want|accept)|not accept|is not accept|only accept|declin)",
    r"refus(?:ed|es) (?:by|due to) (?:the )?(?:recipient|user|addressee)",
    r"(?:user|recipient|addressee|mailbox) (?:has )?(?:refus|reject|declin|block|filter)\w*|message filtered",
    r"refused to accept|mailbox (?:unavailable|not available)|undeliverable",
)  # fmt: skip

ON_HOLD = (r"on hold\b",)

SYNTAX = (
    r"syntax error|(?:command|parameter)s? (?:not|un)\w*|bad sequence|unrecogni[sz]ed command",
    r"(?:not|un)implemented|protocol error",
)  # fmt: skip
