"""Phrases by which a mail that came in shows what it is, in the languages that mail systems and people use."""

from __future__ import annotations

import re


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases), re.I | re.S)


# The names that mail systems go by.
DAEMON = _any(
    r"mailer-?daemon|post_?master|mail delivery|delivery subsystem|mail ?system|system administrator",
)

# How subjects of automatic answers begin.
AWAY = _any(
    r"^\W*(?:auto(?:matic|mated|matische?|matique)?[ -]?(?:re(?:ply|sponse|sponder)|ant?wort|r.ponse)"
    r"|out of (?:the )?office|away from|on (?:vacation|leave|holiday)|vacation|holiday"
    r"|abwesen|automatische|r.ponse automatique|absence|absent|fuera de|respuesta autom|risposta automatica|assente"
    r"|resposta autom|afwezig|autosvar|fr.nvaro|nieobecno|odpowied. automat|automatyczn|автоответ"
    r"|自動(?:応答|返信)|自动|不在)",
)

# Automatic answers of somebody who is to be reached there no more.
GONE = _any(
    r"no longer (?:works?|employed|with (?:us|the|our)|in use|monitored|active|available|valid|check)",
    r"has left|left the (?:company|organi[sz]ation)",
    r"(?:address|account|mailbox) (?:is|has been|was) (?:closed|disabled|deactivated|discontinued|suspended|no longer"
    r"|not monitored)",
    r"ne travaille plus|a quitt. (?:l|notre)|n['’]est plus (?:utilis|valide|active)|ya no trabaja|non lavora pi.",
    r"nicht mehr (?:bei|im|f.r|t.tig|g.ltig|aktiv)",
)

# Questions whether a person wrote.
_PROVE = r"(?:confirm|verif|approv|authenticat|click|reply|guest ?list|white ?list)"
CHALLENGE = _any(
    r"(?:confirm|verify|prove|authenticate|validate)[^.]{0,80}(?:human|real person|you are a|not spam|sender"
    r"|your (?:message|e-?mail|mail|address))",
    r"(?:message|mail)[^.]{0,80}(?:held|quarantin|waiting|pending|not (?:yet )?(?:been )?delivered)"
    rf"[^.]{{0,120}}{_PROVE}",
    r"(?:one[- ]time|simply)[^.]{0,60}(?:click|reply|confirm)[^.]{0,80}(?:deliver|approved|allowed|list)",
    r"white ?list|guest list|challenge[/ -]response|click[^.]{0,160}(?:allow|approv|safe)\w*[ -]?list",
    r"(?:click|reply)[^.]{0,80}to (?:have|be|get)[^.]{0,30}(?:deliver|approv|accept)",
    rf"anti-?spam[^.]{{0,60}}(?:system|service)[^.]{{0,80}}{_PROVE}",
)

# Subjects of bounces.
BOUNCED = _any(
    r"undeliver|non-?deliver|not? deliver|returned (?:mail|to sender|message)|failure|could not be|unable to|bounce",
    r"deliver(?:y|ed) (?:status|fail|report|problem|error|has|notif|delay|warn)|user unknown|reject|warning:",
    r"(?:mail|message|delivery)\b.{0,20}(?:fail|error|delay|return|problem|warn|could not)",
    r"unzustell|zustellung|fehlgeschlagen|nicht zugestellt|.chec (?:de|d['’])",
    r"non (?:remis|distribu|d.livr|recapit|consegn)",
    r"no entregad|n.o entregue|nie dostarcz|niedostarcz|onbestelbaar|не ?доставл|недостав|невозможно",
    r"退信|配信|配達|不達|エラー",
)

# That a mail was not delivered, in its text.
FAILED = _any(
    r"(?:could|can|was|were|has|have|had|did|is|be|been)(?:n['’]t| ?not)(?: yet)?(?: be| been| able to)?"
    r" (?:deliver|sent|send|reach|accept|complet|process|deposit)",
    r"(?:deliver|mail|message|transmission|recipient|address)\w*[^\n]{0,80}"
    r"(?:fail|reject|error|problem|refus|unknown|bounc|block|delay|abort|expire)",
    r"undeliver|unable to (?:deliver|send|reach)|returned|not (?:deliver|reach|accept|exist|found|able)",
    r"\b[45]\d\d[ -]|[45]\.\d\.\d|no such (?:user|host|mailbox)",
    r"nicht (?:zugestellt|erreich)|unzustell|n['’]a p(?:as|u)|non (?:remis|distribu|d.livr)",
    r"no (?:se )?(?:pudo|ha podido)|impossib|не может|не доставл|できません|されません|退信|失败|失敗",
)

# That a person passed a mail on or answered it; some systems answer, and say in the same subject that it failed.
PASSED_ON = _any(r"^\s*(?:re|aw|antw|sv|tr|fwd?|wg)\s*:(?!.*non (?:remis|d.livr))")

# That it is still being tried: such a notice is no failure yet.
STILL_TRIED = _any(
    r"do not need to resend|no action is required on your part|still being (?:re)?tried|warning only",
    r"(?:will|continues? to) be (?:re)?(?:tried|attempted)|delivery attempts will continue",
    r"(?:message|mail|delivery)[^.\n]{0,60}\b(?:is|been|was)? ?delayed\b|delayed mail",
    r"nicht erneut (?:zu )?senden|pas (?:besoin|n.cessaire) de renvoyer|a .t. (?:retard|diff.r)",
)
