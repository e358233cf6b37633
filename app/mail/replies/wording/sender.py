"""Wording about the sender or the content: the person who was written to has nothing to do with it."""

from __future__ import annotations

AUTHENTICATION = (
    r"\b(?:spf|dkim|dmarc|sender ?id)\b.{0,80}\b(?:fail|not pass|did not|reject|invalid|missing|align|record|check"
    r"|policy|error|soft)",
    r"\b(?:fail\w*|not pass|violat\w*|not allowed|unauthori[sz]ed|due to).{0,60}\b(?:spf|dkim|dmarc)\b|openspf",
    r"unauthenticated (?:e-?mail|mail|message|sender)|sender is unauthenticated|required authentication level",
    r"authentication checks failed",
    r"(?:message|mail|domain|sender)s? .{0,30}(?:not|without|lacks?|fail\w*) .{0,12}authenticat(?:ed|ion) (?:by"
    r"|check|result|information|requirement)",
)  # fmt: skip

NO_PTR = (
    r"\bptr\b|\b(?:reverse|rev|r)[- ]?dns\b|reverse (?:lookup|name|host|address|mapping|resol)|fcrdns",
    r"unverif\w+ sending ip|mismatches client ip",
    r"(?:no|without|missing|cannot find your|can't find your|resolve your"
    r"|find (?:your )?reverse) (?:reverse )?host ?names?\b",
    r"(?:ip|client)(?: address)? .{0,40}(?:does not|doesn't|cannot|not) .{0,10}(?:resolve"
    r"|have a (?:valid )?(?:host|domain))",
)  # fmt: skip

VIRUS = (r"\bvir(?:us|en|ii)\b(?! scanner (?:fail|error|unavail))|malware|\binfected|trojan|\beicar\b",)

NO_TLS = (
    r"(?:starttls|tls|encryption)(?: (?:connection|session))? (?:is )?(?:required|needed|fail\w*|refused|unavailable)",
    r"must issue a starttls",
    r"(?:starttls|tls).{0,40}(?:not (?:support|avail|offer)|unsupported|n't support)",
    r"(?:not|n't) support (?:start)?tls|require[sd]? (?:tls|encryption)",
)  # fmt: skip

_SENDER = (
    r"(?:sender|from address|from domain|from header|mail from|return[- ]path|envelope[- ]from|reverse[- ]path"
    r"|originator)"
)
_NOT = (
    r"(?:reject|denied|refused|invalid|unknown|not (?:exist|found|allowed|accept|valid|permit|known)|block|ban|unverif"
    r"|do(?:es)?(?: not|n't) (?:exist|resolve)|could not be verified|verify fail|verification)"
)
SENDER = (
    rf"{_SENDER}s?(?:'s)?(?: (?:e-?mail|domain|address|host|name))*(?: <?@>?| <>"
    rf"| \S{1,80}·\S{1,80})?[:,]? .{{0,12}}{_NOT}",
    r"(?:domain of|invalid|unknown|unverified|unacceptable|bad|bogus|reject(?:ed|ing)?|verify|blocked|unresolvable"
    rf"|fake|forged) (?:the )?{_SENDER}",
    r"from: domain is invalid|provide a valid from|(?:null|empty|<>) (?:sender|envelope|return)",
    r"not accept(?:ing|ed)? (?:null|bounces?)",
    r"(?:cannot|can't|could not|couldn't|unable to) (?:verify|resolve|find|validate) (?:your|the|this)? ?(?:domain"
    rf"|{_SENDER})",
    r"not (?:on|in) (?:the |his |her |their )?(?:recipient's )?(?:whitelist|allow(?:ed)? ?list|safe ?list"
    r"|guest ?list|approved senders?)",
    r"(?:don't|doesn't|does not|do not|not) accept(?:ing)? (?:mail|messages|e-?mail) from",
    r"not (?:allowed|permitted|authori[sz]ed) to (?:send|post|mail)",
    r"berechtigung|autoris\w+ à |permiso|permiss.o|autorizza|toestemming|uprawnie",
    r"opr.vn.n|beh.righet|разрешен|дозвол|δικαίωμα|अनुमति|權限|权限|権限|권한",
    r"only accepts? (?:mail|messages|e-?mail)s? from|restricted to (?:members|subscribers|certain senders)",
    r"not (?:a )?members? of th|permission to (?:post|send|e-?mail)",
    r"requires? (?:confirmation|verification|validation)",
)  # fmt: skip

RELAY = (
    r"\brelay(?:ing)?\b.{0,40}(?:denied|prohibit|not (?:allow|permit|support)|refus|reject|disabled|disallow"
    r"|forbid|attempt|unauthori)",
    r"(?:unable|not (?:allow|permit|authori[sz]|able|configured)\w*|cannot|can't|won't|don't|refus\w* to|no|not"
    r"|unauthori[sz]ed|not an? (?:open|authori[sz]ed)) (?:to )?(?:act as |for |a )*relay",
    r"\bas a relay",
    r"(?:isn't|not) in my list of allowed rcpthosts|rcpthosts|not local.{0,20}gateway",
    r"not (?:a |one of )?(?:local|hosted|our) (?:domain|relay)s?",
)  # fmt: skip

TOO_OFTEN = (
    r"too (?:many|much|fast|frequent)\b(?! (?:hops|received|clients))|rate[- ]?limit|throttl|slow down",
    r"sending too|receiving mail (?:at a rate|too quickly)",
    r"(?:exceed\w*|maximum|reached|limit on).{0,40}(?:\brate\b|connections?|sessions|per (?:hour|minute|day"
    r"|connection|session)|recipients? (?:limit|per)|hourly|daily|sending limit|number of recipients)",
    r"concurrent (?:connections|sessions)|reciplimit|connection (?:rate|limit|frequency)|unusual rate",
    r"connections? (?:limit|exceed)|message rate|unexpected volume",
)  # fmt: skip

TOO_LARGE = (
    r"(?:message|mail|e-?mail|attachment|size|content|data|body|file|header)s?\b[^.;]{0,30}(?:too (?:big|large"
    r"|long)|larger than|greater than|bigger than|ex(?:c)?eed(?:s|ed|ing)?)[^.;]{0,50}(?:size|limit|bytes|maximum"
    r"|large|big|long|accept|allow|[km]b\b|organi[sz]ation|recipient|$)",
    r"(?:exceed\w*|exeed\w*|over)\b[^.;]{0,30}(?:message (?:file )?size|size (?:limit|restriction|allowed)"
    r"|maximum (?:inbound )?message|databytes|local size)",
    r"(?:message|mail|size|attachment)s?\b[^.;]{0,20} too (?:big|large|long)",
    r"size (?:limit|restriction)s? (?:exceed|violat)|maximum (?:message|allowed) size|sendsizelimit",
    r"message size (?:limit|exceed)|overs?ized? (?:message|mail)|line limit exceeded",
    r"nachricht (?:ist )?zu gro|message trop (?:gros|volumin|long)|mensaje (?:es )?demasiado grande",
    r"messaggio troppo grande",
)  # fmt: skip

SPAM = (
    r"\bspam(?!haus|cop)|\bsp\*m|anti-?spam|\bube\b|\buce\b|unsolicited",
    r"\bbulk (?:mail|e-?mail|messages?) (?:reject|refus|not|is)|bayes|spamd",
    r"content[- ](?:filter|reject|policy|block|scan)|message content (?:reject|refus|not|block|was)|phish|surbl",
    r"uribl|objectionable|profanity",
    r"score .{0,20}(?:exceed|too high|above)|suspicious|abus(?:e|ive) (?:detected|content)",
    r"banned (?:content|word|phrase)|unwanted|looks like (?:junk|bulk)|junk ?mail",
)  # fmt: skip

REPUTATION = (r"reputation|\bsender ?(?:base|score)\b|user complaints|complaint rate|poor sending history",)

_REFUSED = r"(?:block(?:ed|ing)?|banned|refused|rejected|denied|not (?:allowed|permitted|welcome|accepted)|restricted)"
BLOCKED = (
    r"black ?-?list|block ?-?list|deny ?-?list|\b(?:dns)?[rd]?bl\b|\bdns[brwd]l|\b[sxp]bl\b|spamhaus|spamcop",
    r"barracuda|sorbs|abuseat|njabl|mail-abuse",
    r"dial-?up|dynamic(?:ally)? (?:ip|address|assigned|host|pool|range)|residential|open (?:relay|proxy)",
    r"listed (?:at|by|in|on) \S*·|grey-?list|gray-?list",
    r"(?:client|your|sending|source|connecting|remote|sender)(?: (?:host|ip|mail|smtp))?(?: (?:address|server|host"
    rf"|domain|system))? .{{0,50}}{_REFUSED}",
    rf"{_REFUSED} .{{0,30}}(?:your (?:ip|host|domain|server|mail|network)|ip address|using|client|this ip"
    r"|access from|connections? from)",
    rf"(?:ip|host|network|server)(?: address)? .{{0,30}}\b{_REFUSED}\b|(?:message|mail|you|been|was|is) blocked\b",
    r"adresse ip",
    r"connection (?:is |was )?(?:rejected|denied|dropped|not (?:allowed|accepted))|go ?away",
    r"not accepting connections|invalid ip|access (?:is |was )?denied",
    r"\bh?[he]lo (?:command )?(?:reject|invalid|name)|bad helo|smtp server of your isp|purported responsible",
    r"invalid domain name|name was rejected|no smtp service (?:bad|here)",
)  # fmt: skip

NOT_COMPLIANT = (
    r"not (?:rfc|compliant)|rfc ?-?(?:2?822|5322|5321|2821).{0,40}(?:complian|violat|standard|require)",
    r"multiple (?:subject|from|to|date|header)",
    r"duplicate header|missing (?:the )?(?:date|from|message-id|header)",
    r"(?:header|mime).{0,20}(?:malform|missing)|bare (?:lf|cr|linefeed|newline)s?",
    r"malformed (?:header|mime|message)",
)  # fmt: skip

SECURITY = (
    r"authenticat(?:ion|e)[^.;]{0,30}(?:required|fail|turned on|needed|first|credential|invalid)",
    r"(?:require|must|need|turn on)[^.;]{0,25}authenticat|without authentication",
    r"not authenticated|authrequired|credentials|callout verification",
    r"unauthori[sz]ed (?:to )?(?:use|access|send|host|connect)|permission denied",
    r"insufficient (?:permission|privilege)|security (?:violation|problem|error)|executable",
    r"(?:attachment|file)s?[^.;]{0,40}(?:not (?:allowed|permitted)|prohibit|forbidden|reject|block|banned|unsafe"
    r"|with attach)",
    r"not accepting mail with attachments|tls certificate|dangerous",
)  # fmt: skip

POLICY = (
    r"\bpolic(?:y|ies)\b|captcha|administrative(?:ly)? prohibit|prohibited|local rules|not allowed by",
    r"rejected (?:for|by) (?:administrative|rule|filter)",
    r"blocked by (?:customer|user|filter)|rule imposed|content restrict|bounced by administrator",
)  # fmt: skip

CONTENT = (
    r"8-?bit",
    r"(?:message|mail|content)(?: was| is)? (?:content )?(?:not accepted|rejected|refused)[^.]{0,20}(?:content"
    r"|format|body|data)",
    r"mime (?:part|error|header)|charset",
    r"improper use|unacceptable (?:content|character)|illegal character|header error|conversion (?:is |not )",
)  # fmt: skip
