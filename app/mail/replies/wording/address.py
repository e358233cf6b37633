"""Wording about the address itself: nobody there, moved, full, switched off; and about its domain.

Each phrase is a regular expression over plain text (lower case, one space between words, no links).
"""

from __future__ import annotations

_WHO = (
    r"(?:user|recipient|mail[- ]?box|mail ?drop|account|addressee|e-?mail address|address|alias|customer|person"
    r"|(?<!host )(?<!domain )name|local ?part|userid|user ?name)"
)
_NAMED = r"(?: (?:e-?mail )?(?:name|address|account|id))?(?: [\"'<(\[]?(?:@|[\w.+-]{1,64})[\"'>)\]]?)?[:,.]? ?"
_GONE = (
    r"(?:unknown|un-known|not[ -](?:found|known|listed|exist|valid|recogni[sz]ed|here|defined|registered|unique)"
    r"|non-?exist\w*|invalid|unroute?able|closed|deleted|cancell?ed|terminated|removed|abandoned|discontinued"
    r"|no longer (?:exist\w*|valid|available|in (?:use|service)|on (?:this )?server|a customer|here)"
    r"|do(?:es)?(?: ?n[o']t|n't) exist|could ?(?:n't| not) be found|can ?not be found|not a valid|not our)"
)

GONE = (
    rf"{_WHO}s?{_NAMED}(?:is |was |are |has (?:been )?|have been |were )?(?:an? )?{_GONE}\b",
    r"(?:no|unknown|invalid|non-?existent|unrecogni[sz]ed|undefined|wrong|incorrect|illegal|no valid"
    r"|not an?(?: known| valid| active| existing)?)"
    r"(?: such)?(?: (?:destination|local|virtual|final delivery|mail|e-?mail|remote|smtp|unix))*"
    rf" {_WHO}s?\b(?! (?:limit|quota|size|full|error))",
    r"(?:disabled or|has been) discontinued|no such (?:person|people|mailbox|recipient|addressee|user|name|id|alias)",
    r"(?:no one|nobody|no (?:person|user|account|mailbox|recipient))[^.]{0,40}(?:by that name|with (?:that"
    r"|this) (?:name|address)|here\b|at this)",
    rf"do(?:es)?(?: not|n't) have (?:an? |any )?(?:\S+ )?(?:{_WHO})\b",
    rf"do(?:es)?(?: not|n't) (?:match|recogni[sz]e|know)[^.]{{0,20}} {_WHO}",
    rf"{_WHO} (?:that )?you tried to reach does not exist",
    r"recipient(?: address)? rejected: (?:user|undeliverable|access denied|unknown|no such|address|invalid"
    r"|not found)\b",
    rf"{_WHO}[^.]{{0,30}} not (?:in|listed|found)[^.]{{0,30}}(?:director|address book|database|table|list|domino"
    r"|alias|system)",
    r"not listed in (?:the )?(?:public|domino|directory)|recipient name is not recogni[sz]ed|recipnotfound",
    r"not our customer",
    r"(?:can't|cannot|could not|couldn't|unable to|failed to) (?:find|locate|identify|resolve|validate"
    rf"|recogni[sz]e)[^.]{{0,20}} {_WHO}",
    r"couldn't find any (?:user|mailbox|account)|undeliverable address|address (?:is )?undeliverable|addressee unknown",
    r"is not a (?:user|customer|member|known|subscriber|valid (?:user|mail|recipient|address))",
    r"unknown (?:to me|at this)",
    r"bad destination (?:mailbox|address|email)|(?:mailbox|e-?mail) not found|no matches to nameserver|no mailbox here",
    r"left the (?:company|organi[sz]ation)|no longer (?:works?|employed|with (?:us|the company|this))",
    r"unknown (?:local|virtual)",
    r"(?:to|recipient) address (?:was )?invalid|final delivery userid",
    r"does not like recipient(?!.{0,60}(?:denied|relay|spam))",
    # German, French, Spanish, Italian, Portuguese
    r"(?:empf.nger|benutzer|nutzer|adresse?|postfach|konto)\w*(?: \S+)? (?:ist |wurde |existiert "
    r"|sind )?(?:unbekannt|nicht (?:gefunden|bekannt|vorhanden|existent)|ung.ltig)",
    r"unbekannte?[rs]? (?:empf|benutz|nutz|adress)|existiert nicht|konnte nicht gefunden werden|nicht vorhanden",
    r"(?:utilisateur|destinataire|adresse|compte|bo.te)[^.]{0,30}(?:inconnue?|n'existe p(?:as|lus)|introuvable"
    r"|invalide|inexistante?)",
    r"adresse d.au moins un destinataire",
    r"(?:usuario|destinatari[oa]|cuenta|direcci.n|buz.n)[^.]{0,30}(?:desconocid|no existe|inexistente|inv.lid"
    r"|no (?:se )?encontr)",
    r"no existe (?:el|la|es[ae]|este|dicho)",
    r"(?:utente|destinatario|casella|indirizzo)[^.]{0,30}(?:sconosciut|non esist|inesistent|non (?:.|e') valid)",
    r"(?:usu.rio|destinat.rio|conta|endere.o|caixa)[^.]{0,30}(?:desconhecid|n.o existe|inexistente|inv.lid"
    r"|n.o encontrad)",
    # Dutch, Polish, Russian, Chinese, Japanese
    r"(?:gebruiker|ontvanger|adres|postbus)[^.]{0,20}(?:onbekend|bestaat niet|niet gevonden)",
    r"(?:u.ytkownik|adres|odbiorca|konto)[^.]{0,30}(?:nieznan|nie istnieje|niepoprawn)|nie ma takiego",
    r"(?:пользовател|ящик|получател|адрес)\w*[^.]{0,40}(?:не найден|не существует|неизвест|отсутств)",
    r"(?:нет такого|неизвестн\w+) (?:пользовател|получател|адрес)",
    r"不存在|無此|无此|没有此|存在しません|存在しない|見つかりません|(?:あて先|宛先).{0,12}(?:不明|誤|見つか)|該当.{0,8}ありません",
)  # fmt: skip

SUSPENDED = (
    r"(?:account|mail ?box|user|address|domain|recipient|box|id)\w*[^.;]{0,40}\b(?:disabled|suspended|inactive"
    r"|deactivated|locked|frozen|dormant|(?:has|is) expired|restricted|overdue|unpaid)\b(?! or discontinued)",
    r"(?:account|mail ?box|user|recipient|address)\w*[^.;]{0,20}\b(?:is|are|has been|currently"
    r"|temporarily) (?:temporarily |currently )?(?:limited|blocked|not (?:active|activated|enabled|in use)"
    r"|unavailable|on hold)",
    r"(?:disabled|suspended|inactive|deactivated|locked|dormant) (?:user|account|mailbox|recipient|address)",
    r"dead letter|vacation mode",
    r"not accepting (?:mail|messages)(?! with| from)|is (?:currently )?(?:not|un)able to receive|not active",
    r"due to extended inactivity",
    r"desactivad|d.sactiv|deaktiviert|gesperrt|compte[^.]{0,30}bloqu|cuenta[^.]{0,20}suspend|sospes[oa]",
    r"заблокирован|停用|被禁",
)  # fmt: skip

_STORE = (
    r"(?:mail ?box|mail ?folder|mail ?drop|mail ?dir|inbox|account|quota|user|recipient|customer|storage|disk ?space)"
)
FULL = (
    rf"{_STORE}\w*(?:\(s\))?(?:'s?)?[^.;]{{0,40}}(?:\bfull\b|over ?(?:the |its |his |their )?(?:quota|drawn|limit"
    r"|storage|allo|disk)|exceed\w*|overflow|out of (?:space|storage)|no (?:space"
    r"|room))(?![^.;]{0,30}(?:message size|recipient limit|rate))",
    r"over ?(?:the )?(?:disk |mail |storage |maximum |his |its |their )*quota",
    r"quota[^.;]{0,20}(?:exceed|violat|full|over|reach)",
    r"(?:exceed\w*|over)[^.;]{0,40}(?:quota|storage|mailbox (?:size|limit)|allocated|allotted|its limit)",
    r"full mailbox|too full",
    r"(?:insufficient|not enough|no|out of)[^.;]{0,20}(?:quota|mailbox (?:space|storage)|storage|user (?:space|disk))",
    r"(?:postfach|mailbox|speicher)[^.]{0,20}(?:voll|.berf.llt|.berschritten)",
    r"bo.te (?:aux lettres |mail )?(?:du destinataire )?(?:est )?(?:pleine|satur)",
    r"quota (?:d.pass|atteint|superat|exced)",
    r"buz.n[^.]{0,20}(?:llen|excedid)|casella[^.]{0,20}piena|caixa[^.]{0,30}(?:cheia|lotada|excedid)",
    r"skrzynka[^.]{0,20}(?:pe.na|przepe)|переполнен|已满|已滿|容量|いっぱい|満杯",
)  # fmt: skip

MOVED = (
    r"(?:has|have) (?:moved|changed)\b",
    r"(?:user|recipient|address)[^.;]{0,20}(?:moved|changed (?:to|his|her|their)|replaced by)",
    r"new (?:e-?mail )?address (?:is|was|:)|address (?:has )?(?:been )?changed|please (?:try|use|update)[^.;]{0,20}new",
)  # fmt: skip

TAKES_NO_MAIL = (
    r"null ?mx|(?:domain|host)[^.;]{0,40}do(?:es)?(?: not|n't) (?:accept|receive) (?:any )?(?:mail|e-?mail)",
    r"no mx (?:record )?found",
    r"indicated no smtp service|no host found for existing smtp|domain not in use",
    r"mx records? points? to (?:localhost|loopback|nothing)",
)  # fmt: skip

_SITE = r"(?:host|domain|machine|system|site|server|hostname)"
NO_HOST = (
    rf"{_SITE}(?: (?:or domain )?name)?s?(?: \S+)?[^.;]{{0,30}} (?:unknown|not (?:found|exist|known|resolv\w+|valid"
    r"|be found)|do(?:es)?(?: not|n't) (?:exist|resolve)|non-?exist\w*|could(?:n't| not) be (?:found|resolved)"
    r"|no longer exist\w*|cannot be (?:resolved|found))(?![^.;]{0,12}try again)",
    r"(?:no such|unknown|invalid|non-?existent|bad|illegal|unresolvable|unrecogni[sz]ed)(?: (?:destination"
    rf"|recipient|mail|remote|host or|internet))* ?{_SITE}(?! (?:address|ip|name rejected))",
    r"nxdomain|nonexistentdomain|couldn't find (?:any|a) host|cannot find[^.;]{0,20}(?:host|domain|mx)",
    r"point to non-?existent|domain is not reachable|\w·[\w-]{2,63} does(?: not|n't) exist",
    r"name or service not known|gateway for",
    r"(?:no|not find|without)(?: valid| any)? (?:mx|dns|a) (?:records?|entry|hosts?)",
    r"no mail (?:server|hosts?|exchanger)s? for|unroute?able|no relevant answers",
    r"(?:domain|domaine|dominio|dom.nio)\w*[^.]{0,30}(?:inconnu|n'existe pas|nicht gefunden|unbekannt|no existe"
    r"|n.o existe|inesistente|non esiste)",
    r"unbekannter? (?:host|domain|rechner)",
)  # fmt: skip
