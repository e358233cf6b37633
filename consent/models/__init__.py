"""Tables of permission: topics, forms, the ledger with its projection and anchors, suppression, people's own pages."""

from __future__ import annotations

from consent.models.ageing import Upkeep, UpkeepRun
from consent.models.anchors import LedgerAnchor
from consent.models.archive import SealedProof
from consent.models.forms import Form, FormFigure, SignUp, Wording
from consent.models.ledger import Permission, PermissionEvent, PermissionEvidence, TrackingPermission
from consent.models.lists import SuppressionList, SuppressionReject
from consent.models.notices import SourceNotice
from consent.models.pages import AccessRequest, AddressChange, LeavingReason, Pause
from consent.models.paper import PaperList
from consent.models.register import RegisterText
from consent.models.requests import PrivacyRequest, PrivacyRequestStep
from consent.models.statistics import PermissionDay, PermissionFold
from consent.models.suppression import Suppression
from consent.models.topics import Topic

__all__ = [
    "AccessRequest",
    "AddressChange",
    "Form",
    "FormFigure",
    "LeavingReason",
    "LedgerAnchor",
    "PaperList",
    "Pause",
    "Permission",
    "PermissionDay",
    "PermissionEvent",
    "PermissionEvidence",
    "PermissionFold",
    "PrivacyRequest",
    "PrivacyRequestStep",
    "RegisterText",
    "SealedProof",
    "SignUp",
    "SourceNotice",
    "Suppression",
    "SuppressionList",
    "SuppressionReject",
    "Topic",
    "TrackingPermission",
    "Upkeep",
    "UpkeepRun",
    "Wording",
]
