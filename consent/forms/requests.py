"""Names and the form of data subjects' requests."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import DateField, EmailField, SelectField, StringField, TelField, TextAreaField
from wtforms.validators import DataRequired, Email, Length, Optional

from consent.forms.names import LANGUAGE_NAMES
from consent.policy.requests import Channel, Extension, Kind, Proof, Refusal, State, Step

KIND_NAMES = {
    Kind.ACCESS: _("Access to their data"),
    Kind.PORTABILITY: _("Data to take with them"),
    Kind.CORRECTION: _("Correction"),
    Kind.ERASURE: _("Erasure"),
    Kind.OBJECTION: _("Objection to marketing"),
    Kind.RESTRICTION: _("Restriction"),
    Kind.OTHER: _("Something else"),
}
# What people who ask read.
WISH_NAMES = {
    Kind.OBJECTION: _("Stop all your marketing e-mails"),
    Kind.CORRECTION: _("Correct my data, or write to another address"),
    Kind.ACCESS: _("See what you hold about me"),
    Kind.PORTABILITY: _("Get my data as a file, to take with me"),
    Kind.ERASURE: _("Erase my data"),
    Kind.RESTRICTION: _("Keep my data, but do not use it"),
    Kind.OTHER: _("Something else"),
}
CHANNEL_NAMES = {
    Channel.PAGE: _("our page"),
    Channel.MAIL: _("e-mail"),
    Channel.PHONE: _("telephone"),
    Channel.LETTER: _("letter"),
    Channel.PERSON: _("in person"),
}
REQUEST_STATE_NAMES = {
    State.RECEIVED: _("to verify"),
    State.VERIFIED: _("to do"),
    State.DONE: _("done"),
    State.REFUSED: _("refused"),
    State.WITHDRAWN: _("taken back"),
}
STEP_NAMES = {
    Step.RECEIVED: _("Received"),
    Step.IDENTIFIED: _("Contact found"),
    Step.VERIFIED: _("Identity verified"),
    Step.NOTED: _("Note"),
    Step.EXTENDED: _("Extended by two months"),
    Step.REMINDED: _("Reminder sent to administrators"),
    Step.EXPORTED: _("Data downloaded for the person"),
    Step.OBJECTED: _("Objection recorded"),
    Step.RESTRICTED: _("Use restricted: no mail to this address"),
    Step.CORRECTED: _("Address corrected"),
    Step.ERASED: _("Data erased"),
    Step.COMPLETED: _("Completed"),
    Step.REFUSED: _("Refused"),
    Step.WITHDRAWN: _("Taken back by the person"),
    Step.OVERTAKEN: _("Closed, because the person's data was erased"),
    Step.PURGED: _("Personal details deleted from this record"),
}
PROOF_NAMES = {
    Proof.MAILBOX: _("They wrote from a mailbox we know"),
    Proof.CALLED_BACK: _("Called back on a number we knew before"),
    Proof.KNOWLEDGE: _("They know what only they can know"),
    Proof.DOCUMENT: _("A document was shown (do not keep a copy)"),
    Proof.HARMLESS: _("None needed: an objection harms nobody"),
}
REFUSAL_NAMES = {
    Refusal.NOT_IDENTIFIED: _("We cannot establish who they are"),
    Refusal.EXCESSIVE: _("Manifestly unfounded or excessive"),
    Refusal.NO_DATA: _("We hold no data of this person"),
    Refusal.LAW: _("A law or a legal claim asks us to keep the data"),
    Refusal.OTHER: _("Another reason, explained below"),
}
EXTENSION_NAMES = {
    Extension.COMPLEX: _("The request is complex"),
    Extension.MANY: _("There are many requests"),
}


class RequestForm(FlaskForm):  # type: ignore[misc]
    """A request that came by mail, phone, letter or in person."""

    kind = SelectField(_("What is asked for"), choices=[(kind.value, name) for kind, name in KIND_NAMES.items()])
    channel = SelectField(
        _("How it came"),
        choices=[(channel.value, name) for channel, name in CHANNEL_NAMES.items()],
        default=Channel.MAIL.value,
    )
    received_on = DateField(
        _("Received on"),
        validators=[DataRequired()],
        description=_("The month to answer counts from this day, whoever it reached first."),
    )
    name = StringField(_("Name"), validators=[Length(max=200)])
    email = EmailField(
        _("E-mail address it is about"),
        validators=[Optional(), Email(), Length(max=320)],
        description=_("As we know it, even if the mailbox is gone."),
    )
    phone = TelField(_("Telephone"), validators=[Length(max=50)])
    postal = TextAreaField(_("Postal address"), validators=[Length(max=500)], render_kw={"rows": 3})
    new_email = EmailField(_("Another e-mail address"), validators=[Optional(), Email(), Length(max=320)])
    wish = TextAreaField(_("What they wrote or said"), validators=[Length(max=4000)], render_kw={"rows": 5})
    language = SelectField(_("Language"), choices=list(LANGUAGE_NAMES.items()))
